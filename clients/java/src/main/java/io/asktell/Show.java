package io.asktell;

import io.asktell.v1.FinishReason;
import io.asktell.v1.Objective;
import io.asktell.v1.TrialCounts;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What people see of a handle. */
final class Show {
  private Show() {}

  /** {@code "localhost:50051 project default"}: nothing that is secret. */
  static String client(Settings settings) {
    String addresses =
        settings.addresses().stream().map(Address::toString).collect(Collectors.joining(","));
    return addresses + " project " + settings.project();
  }

  /**
   * {@code "projects/…/studies/lora ACTIVE, 12 trials ended, 2 running, budget 50, best: trial 7
   * with val_loss=0.31"}; the best may be null.
   */
  static String study(io.asktell.v1.Study study, io.asktell.v1.Trial best) {
    StringBuilder text = new StringBuilder(study.getName());
    text.append(' ').append(study.getState().name().replace("STUDY_STATE_", ""));
    if (study.getFinishReason() != FinishReason.FINISH_REASON_UNSPECIFIED) {
      String reason = study.getFinishReason().name().replace("FINISH_REASON_", "");
      text.append(" (").append(reason).append(')');
    }
    // Not "12 of 50": imported and cancelled trials have ended, and use nothing of the budget up.
    TrialCounts counts = study.getTrialCounts();
    int ended = ended(counts);
    text.append(", ").append(ended).append(ended == 1 ? " trial ended" : " trials ended");
    append(text, counts.getFailed(), "failed");
    append(text, counts.getRunning(), "running");
    append(text, counts.getQueued(), "queued");
    if (study.getStoppingRules().hasMaxTrials()) {
      text.append(", budget ").append(study.getStoppingRules().getMaxTrials());
    }
    if (best != null) {
      Stream<String> metrics = study.getObjectivesList().stream().map(Objective::getMetric);
      String values =
          pairs(
              metrics,
              name -> best.getMetricsOrDefault(name, Metrics.metric(Double.NaN)).getValue());
      text.append(", best: trial ").append(best.getNumber()).append(" with ").append(values);
    }
    return text.toString();
  }

  private static int ended(TrialCounts counts) {
    return counts.getSucceeded()
        + counts.getStopped()
        + counts.getFailed()
        + counts.getInfeasible()
        + counts.getCancelled()
        + counts.getAbandoned();
  }

  private static void append(StringBuilder text, int count, String state) {
    if (count > 0) {
      text.append(", ").append(count).append(' ').append(state);
    }
  }

  /**
   * {@code "projects/…/trials/7 SUCCEEDED lr=1.0E-4 rank=8, val_loss=0.31"}, with the last line of
   * why it failed.
   */
  static String trial(io.asktell.v1.Trial trial) {
    Map<String, Object> params = new TreeMap<>(Params.of(trial).asMap());
    StringBuilder text = new StringBuilder(trial.getName());
    text.append(' ').append(trial.getState().name().replace("TRIAL_STATE_", "")).append(' ');
    text.append(pairs(params.keySet().stream(), params::get));
    if (trial.getMetricsCount() > 0) {
      Stream<String> metrics = trial.getMetricsMap().keySet().stream().sorted();
      text.append(", ").append(pairs(metrics, name -> trial.getMetricsOrThrow(name).getValue()));
    }
    List<String> why = trial.getReason().strip().lines().toList();
    return why.isEmpty() ? text.toString() : text + ": " + why.get(why.size() - 1);
  }

  private static String pairs(Stream<String> names, Function<String, Object> value) {
    return names.map(name -> name + "=" + value.apply(name)).collect(Collectors.joining(" "));
  }
}
