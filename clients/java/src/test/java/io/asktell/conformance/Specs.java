package io.asktell.conformance;

import io.asktell.Algorithm;
import io.asktell.BoolParameter;
import io.asktell.CategoricalParameter;
import io.asktell.DiscreteParameter;
import io.asktell.FloatParameter;
import io.asktell.Goal;
import io.asktell.ImportedTrial;
import io.asktell.IntParameter;
import io.asktell.Metrics;
import io.asktell.Objective;
import io.asktell.Observation;
import io.asktell.Outcome;
import io.asktell.Parameter;
import io.asktell.Params;
import io.asktell.Problem;
import io.asktell.QueuedTrial;
import io.asktell.Scale;
import io.asktell.Split;
import io.asktell.StudySpec;
import io.asktell.TrialFilter;
import io.asktell.TrialState;
import io.asktell.v1.FloatDomain;
import io.asktell.v1.IntDomain;
import io.asktell.v1.LeasePolicy;
import io.asktell.v1.Metric;
import io.asktell.v1.ParameterValue;
import io.asktell.v1.StoppingRules;
import io.asktell.v1.SuggestRequest;
import io.asktell.v1.TellOutcome;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The runner speaks of studies and values in messages of the contract; here they become the
 * client's own.
 */
final class Specs {
  private Specs() {}

  static StudySpec spec(io.asktell.v1.Study wire) {
    StudySpec.Builder spec =
        StudySpec.builder()
            .algorithm(algorithm(wire.getAlgorithm()))
            .maxRunning(wire.getMaxRunningTrials())
            .replicates(wire.getReplicates())
            .displayName(wire.getDisplayName());
    wire.getSearchSpace().getParametersList().forEach(each -> spec.parameter(parameter(each)));
    wire.getObjectivesList().forEach(each -> spec.objective(objective(each)));
    wire.getTrackedMetricsList()
        .forEach(each -> spec.track(each.getMetric(), split(each.getSplit())));
    wire.getLabelsMap().forEach(spec::label);
    wire.getAnnotationsMap().forEach(spec::annotation);
    StoppingRules rules = wire.getStoppingRules();
    if (rules.hasMaxTrials()) {
      spec.maxTrials(rules.getMaxTrials());
    }
    if (rules.hasTargetValue()) {
      spec.target(rules.getTargetValue());
    }
    if (rules.hasPatienceTrials()) {
      spec.patience(rules.getPatienceTrials());
    }
    if (rules.hasDeadline()) {
      spec.deadline(
          Instant.ofEpochSecond(rules.getDeadline().getSeconds(), rules.getDeadline().getNanos()));
    }
    LeasePolicy lease = wire.getLeasePolicy();
    if (lease.hasLeaseDuration()) {
      spec.lease(
          Duration.ofSeconds(
              lease.getLeaseDuration().getSeconds(), lease.getLeaseDuration().getNanos()));
    }
    spec.maxAttempts(lease.getMaxAttempts());
    if (wire.hasMaxStaleness()) {
      spec.maxStaleness(wire.getMaxStaleness());
    }
    if (wire.hasSeed()) {
      spec.seed(wire.getSeed());
    }
    return spec.build();
  }

  private static Parameter parameter(io.asktell.v1.Parameter wire) {
    String name = wire.getName();
    Object start = value(wire.getDefaultValue());
    switch (wire.getDomainCase()) {
      case FLOAT_DOMAIN:
        FloatDomain real = wire.getFloatDomain();
        return new FloatParameter(
            name,
            real.getMin(),
            real.getMax(),
            scale(real.getScale()),
            real.hasStep() ? real.getStep() : null,
            start instanceof Number number ? (Double) number.doubleValue() : null);
      case INT_DOMAIN:
        IntDomain whole = wire.getIntDomain();
        return new IntParameter(
            name,
            whole.getMin(),
            whole.getMax(),
            scale(whole.getScale()),
            whole.hasStep() ? whole.getStep() : null,
            (Long) start);
      case DISCRETE_DOMAIN:
        List<Number> values =
            wire.getDiscreteDomain().getValuesList().stream()
                .map(Specs::value)
                .map(Number.class::cast)
                .toList();
        return new DiscreteParameter(name, values, (Number) start);
      case CATEGORICAL_DOMAIN:
        return new CategoricalParameter(
            name, wire.getCategoricalDomain().getValuesList(), (String) start);
      default:
        return new BoolParameter(name, (Boolean) start);
    }
  }

  private static Scale scale(io.asktell.v1.Scale wire) {
    return switch (wire) {
      case SCALE_LOG -> Scale.LOG;
      case SCALE_REVERSE_LOG -> Scale.REVERSE_LOG;
      default -> Scale.LINEAR;
    };
  }

  private static Objective objective(io.asktell.v1.Objective wire) {
    Goal goal =
        switch (wire.getGoal()) {
          case GOAL_MINIMIZE -> Goal.MINIMIZE;
          case GOAL_MAXIMIZE -> Goal.MAXIMIZE;
          default -> null;
        };
    return new Objective(wire.getMetric(), goal, split(wire.getSplit()));
  }

  private static Split split(io.asktell.v1.Split wire) {
    return switch (wire) {
      case SPLIT_TRAIN -> Split.TRAIN;
      case SPLIT_TEST -> Split.TEST;
      default -> Split.VALIDATION;
    };
  }

  private static Algorithm algorithm(io.asktell.v1.Algorithm wire) {
    return switch (wire.getKindCase()) {
      case MANUAL -> new Algorithm.Manual();
      case RANDOM -> new Algorithm.Random();
      case SOBOL -> new Algorithm.Sobol();
      case BAYESIAN -> new Algorithm.Bayesian(wire.getBayesian().getStartTrials());
      case GRID ->
          new Algorithm.Grid(wire.getGrid().getDefaultLevels(), wire.getGrid().getLevelsMap());
      default -> new Algorithm.Auto();
    };
  }

  private static Object value(ParameterValue wire) {
    return switch (wire.getKindCase()) {
      case DOUBLE_VALUE -> wire.getDoubleValue();
      case INT_VALUE -> wire.getIntValue();
      case STRING_VALUE -> wire.getStringValue();
      case BOOL_VALUE -> wire.getBoolValue();
      case KIND_NOT_SET -> null;
    };
  }

  private static Params params(Map<String, ParameterValue> wire) {
    Map<String, Object> values = new LinkedHashMap<>();
    wire.forEach((name, each) -> values.put(name, value(each)));
    return Params.of(values);
  }

  static Metrics metrics(Map<String, Metric> wire) {
    Metrics metrics = Metrics.none();
    for (Map.Entry<String, Metric> each : wire.entrySet()) {
      Metric metric = each.getValue();
      metrics =
          metric.hasStandardError()
              ? metrics.with(each.getKey(), metric.getValue(), metric.getStandardError())
              : metrics.with(each.getKey(), metric.getValue());
    }
    return metrics;
  }

  static Outcome outcome(TellOutcome wire) {
    return switch (wire) {
      case TELL_OUTCOME_STOPPED -> Outcome.STOPPED;
      case TELL_OUTCOME_FAILED -> Outcome.FAILED;
      case TELL_OUTCOME_INFEASIBLE -> Outcome.INFEASIBLE;
      default -> Outcome.SUCCEEDED;
    };
  }

  static TrialFilter filter(io.asktell.v1.TrialFilter wire) {
    List<TrialState> states =
        wire.getStatesList().stream()
            .map(each -> TrialState.valueOf(each.name().replace("TRIAL_STATE_", "")))
            .toList();
    return new TrialFilter(states, wire.getWorkerId(), wire.getLabelsMap());
  }

  static List<QueuedTrial> queued(List<io.asktell.v1.EnqueuedTrial> wire) {
    return wire.stream()
        .map(
            each ->
                new QueuedTrial(
                    params(each.getParametersMap()), each.getLabelsMap(), each.getAnnotationsMap()))
        .toList();
  }

  static List<ImportedTrial> imported(List<io.asktell.v1.ImportedTrial> wire) {
    return wire.stream()
        .map(
            each ->
                new ImportedTrial(
                    each.getImportKey(),
                    params(each.getParametersMap()),
                    outcome(each.getOutcome()),
                    metrics(each.getMetricsMap()),
                    each.getReason(),
                    null,
                    null,
                    each.getLabelsMap(),
                    each.getAnnotationsMap()))
        .toList();
  }

  static Problem problem(SuggestRequest wire) {
    Problem.Builder problem =
        Problem.builder()
            .algorithm(algorithm(wire.getProblem().getAlgorithm()))
            .replicates(wire.getProblem().getReplicates())
            .count(wire.getCount())
            .seed(wire.getSeed())
            .warmStart(wire.getWarmStart().toByteArray());
    wire.getProblem()
        .getSearchSpace()
        .getParametersList()
        .forEach(each -> problem.parameter(parameter(each)));
    wire.getProblem().getObjectivesList().forEach(each -> problem.objective(objective(each)));
    for (io.asktell.v1.Observation each : wire.getObservationsList()) {
      Outcome outcome =
          switch (each.getState()) {
            case TRIAL_STATE_STOPPED -> Outcome.STOPPED;
            case TRIAL_STATE_FAILED -> Outcome.FAILED;
            case TRIAL_STATE_INFEASIBLE -> Outcome.INFEASIBLE;
            default -> Outcome.SUCCEEDED;
          };
      problem.observation(
          new Observation(params(each.getParametersMap()), outcome, metrics(each.getMetricsMap())));
    }
    wire.getPendingList().forEach(each -> problem.pending(params(each.getParametersMap())));
    return problem.build();
  }
}
