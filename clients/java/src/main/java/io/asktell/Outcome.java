package io.asktell;

/** How a trial ended, as it is told. */
public enum Outcome {
  /** With a result. */
  SUCCEEDED,

  /** Early, with the last known metrics. */
  STOPPED,

  /** Without a result: crashed, diverged. */
  FAILED,

  /** The configuration cannot be run at all. */
  INFEASIBLE
}
