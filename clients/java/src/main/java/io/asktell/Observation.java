package io.asktell;

/**
 * A configuration that has been run.
 *
 * @param params its values
 * @param outcome how it ended
 * @param metrics its metrics
 */
public record Observation(Params params, Outcome outcome, Metrics metrics) {
  io.asktell.v1.Observation encode() {
    return io.asktell.v1.Observation.newBuilder()
        .putAllParameters(Wire.params(params))
        .setState(io.asktell.v1.TrialState.valueOf("TRIAL_STATE_" + outcome.name()))
        .putAllMetrics(Wire.metrics(metrics))
        .build();
  }
}
