package io.asktell;

/** Where a trial stands: queued, running, or ended in one of the other ways. */
public enum TrialState {
  /** Not told, or newer than this client. */
  UNSPECIFIED,

  /** Waiting for a worker. */
  QUEUED,

  /** With a worker. */
  RUNNING,

  /** Ended with a result. */
  SUCCEEDED,

  /** Ended early. */
  STOPPED,

  /** Ended without a result. */
  FAILED,

  /** The configuration cannot be run. */
  INFEASIBLE,

  /** Called off. */
  CANCELLED,

  /** Given up after too many lost leases. */
  ABANDONED;

  /** Whether no worker can work on the trial any more. */
  public boolean hasEnded() {
    return this != UNSPECIFIED && this != QUEUED && this != RUNNING;
  }
}
