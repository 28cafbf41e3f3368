package io.asktell;

import java.util.Map;

/**
 * A configuration of one's own to run.
 *
 * @param params a value for each parameter; those with a default may be left out
 * @param labels short values to filter by
 * @param annotations free values
 */
public record QueuedTrial(
    Params params, Map<String, String> labels, Map<String, String> annotations) {

  /** Copies the maps. */
  public QueuedTrial {
    labels = Map.copyOf(labels);
    annotations = Map.copyOf(annotations);
  }

  /** A configuration without labels and annotations. */
  public static QueuedTrial of(Map<String, ?> params) {
    return new QueuedTrial(Params.of(params), Map.of(), Map.of());
  }

  io.asktell.v1.EnqueuedTrial encode() {
    return io.asktell.v1.EnqueuedTrial.newBuilder()
        .putAllParameters(Wire.params(params))
        .putAllLabels(labels)
        .putAllAnnotations(annotations)
        .build();
  }
}
