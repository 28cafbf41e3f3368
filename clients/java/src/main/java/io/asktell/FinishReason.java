package io.asktell;

/** Why a study is finished. */
public enum FinishReason {
  /** It is not finished, or for a reason newer than this client. */
  UNSPECIFIED,

  /** A person or program finished it. */
  REQUESTED,

  /** Its budget of trials is used up. */
  MAX_TRIALS,

  /** A trial reached the target value. */
  TARGET,

  /** The last trials did not better the best one. */
  PATIENCE,

  /** Its deadline has passed. */
  DEADLINE,

  /** Every configuration of the space, or point of the grid, has been tried. */
  EXHAUSTED
}
