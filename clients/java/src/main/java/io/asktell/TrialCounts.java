package io.asktell;

/**
 * How many trials are in which state.
 *
 * @param queued waiting for a worker
 * @param running with a worker
 * @param succeeded ended with a result
 * @param stopped ended early
 * @param failed ended without a result
 * @param infeasible the configuration cannot be run
 * @param cancelled called off
 * @param abandoned given up after too many lost leases
 */
public record TrialCounts(
    int queued,
    int running,
    int succeeded,
    int stopped,
    int failed,
    int infeasible,
    int cancelled,
    int abandoned) {

  /** The trials that no worker can work on any more. */
  public int ended() {
    return succeeded + stopped + failed + infeasible + cancelled + abandoned;
  }

  /** All trials. */
  public int total() {
    return queued + running + ended();
  }
}
