package io.asktell;

import io.asktell.v1.TellOutcome;
import java.time.Instant;
import java.util.Map;

/**
 * A past result to bring in.
 *
 * @param key the caller's own, unique in the study: importing it again changes nothing
 * @param params a value for each parameter
 * @param outcome how it ended
 * @param metrics its metrics
 * @param reason why, for outcomes without a result; may be empty
 * @param startTime null = not known
 * @param finishTime null = not known
 * @param labels short values to filter by
 * @param annotations free values
 */
public record ImportedTrial(
    String key,
    Params params,
    Outcome outcome,
    Metrics metrics,
    String reason,
    Instant startTime,
    Instant finishTime,
    Map<String, String> labels,
    Map<String, String> annotations) {

  /** Copies the maps. */
  public ImportedTrial {
    labels = Map.copyOf(labels);
    annotations = Map.copyOf(annotations);
  }

  /** A result as plain as can be. */
  public static ImportedTrial of(String key, Map<String, ?> params, Metrics metrics) {
    return new ImportedTrial(
        key, Params.of(params), Outcome.SUCCEEDED, metrics, "", null, null, Map.of(), Map.of());
  }

  io.asktell.v1.ImportedTrial encode() {
    io.asktell.v1.ImportedTrial.Builder wire =
        io.asktell.v1.ImportedTrial.newBuilder()
            .setImportKey(key)
            .putAllParameters(Wire.params(params))
            .setOutcome(TellOutcome.valueOf("TELL_OUTCOME_" + outcome.name()))
            .putAllMetrics(Wire.metrics(metrics))
            .setReason(Wire.shortened(reason))
            .putAllLabels(labels)
            .putAllAnnotations(annotations);
    if (startTime != null) {
      wire.setStartTime(Wire.time(startTime));
    }
    if (finishTime != null) {
      wire.setFinishTime(Wire.time(finishTime));
    }
    return wire.build();
  }
}
