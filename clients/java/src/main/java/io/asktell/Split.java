package io.asktell;

/** The part of the data on which a metric is measured. */
public enum Split {
  /** Held-out data that guides the choice of hyperparameters. */
  VALIDATION,

  /** The training data. */
  TRAIN,

  /**
   * Data for the final judgement. Objectives on it are refused; as a tracked metric it is logged
   * and never optimised.
   */
  TEST
}
