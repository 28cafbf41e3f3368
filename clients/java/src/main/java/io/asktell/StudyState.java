package io.asktell;

/** Where a study stands. */
public enum StudyState {
  /** Not told, or newer than this client. */
  UNSPECIFIED,

  /** It hands out trials. */
  ACTIVE,

  /** It hands out no trials until it is resumed; results are still taken. */
  PAUSED,

  /** It hands out no more trials; results of running ones are still taken. */
  FINISHED
}
