package io.asktell;

import java.time.Instant;

/**
 * A result that came after another attempt's had been taken: kept, never used.
 *
 * @param tellTime when it came
 * @param state the state it would have led to
 * @param metrics its metrics
 * @param reason why it was no success
 */
public record SupersededResult(Instant tellTime, TrialState state, Metrics metrics, String reason) {

  static SupersededResult decode(io.asktell.v1.SupersededResult wire) {
    return new SupersededResult(
        Wire.time(wire.hasTellTime(), wire.getTellTime()),
        Enums.of(TrialState.class, wire.getState(), "TRIAL_STATE_"),
        Wire.metrics(wire.getMetricsMap()),
        wire.getReason());
  }
}
