package io.asktell;

import java.time.Instant;

/**
 * A result that a correction replaced.
 *
 * @param amendTime when it was replaced
 * @param previousState the state before
 * @param previousMetrics the metrics before
 * @param previousReason why the replaced result was no success
 * @param reason why, in the words of whoever amended it
 */
public record Amendment(
    Instant amendTime,
    TrialState previousState,
    Metrics previousMetrics,
    String previousReason,
    String reason) {

  static Amendment decode(io.asktell.v1.Amendment wire) {
    return new Amendment(
        Wire.time(wire.hasAmendTime(), wire.getAmendTime()),
        Enums.of(TrialState.class, wire.getPreviousState(), "TRIAL_STATE_"),
        Wire.metrics(wire.getPreviousMetricsMap()),
        wire.getPreviousReason(),
        wire.getReason());
  }
}
