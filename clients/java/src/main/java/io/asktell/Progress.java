package io.asktell;

/**
 * The server's answer to a report.
 *
 * @param shouldStop end the trial now, and tell it with {@link Trial#stop}, or not at all when the
 *     lease is not valid
 * @param stopReason why, for people
 * @param leaseValid the trial is still this worker's; when false the metrics were not taken
 */
public record Progress(boolean shouldStop, String stopReason, boolean leaseValid) {}
