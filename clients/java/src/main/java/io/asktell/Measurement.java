package io.asktell;

import java.time.Instant;

/**
 * Metrics of a running trial at one step.
 *
 * @param step counts epochs, batches or whatever the trial counts
 * @param metrics as they were reported
 * @param reportTime when they were
 */
public record Measurement(long step, Metrics metrics, Instant reportTime) {

  static Measurement decode(io.asktell.v1.Measurement wire) {
    return new Measurement(
        wire.getStep(),
        Wire.metrics(wire.getMetricsMap()),
        Wire.time(wire.hasReportTime(), wire.getReportTime()));
  }
}
