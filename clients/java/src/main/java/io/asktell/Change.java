package io.asktell;

/** One change of a study. */
public sealed interface Change {
  /** Where to go on from. */
  String cursor();

  /**
   * The study itself changed.
   *
   * @param cursor where to go on from
   * @param study as it is after the change
   */
  record StudyChanged(String cursor, StudyInfo study) implements Change {}

  /**
   * A trial changed.
   *
   * @param cursor where to go on from
   * @param trial as it is after the change
   */
  record TrialChanged(String cursor, TrialInfo trial) implements Change {}

  /**
   * A trial was deleted.
   *
   * @param cursor where to go on from
   * @param trial its number
   */
  record TrialDeleted(String cursor, long trial) implements Change {}

  /**
   * A running trial reported.
   *
   * @param cursor where to go on from
   * @param trial its number
   * @param measurement what it reported
   */
  record Reported(String cursor, long trial, Measurement measurement) implements Change {}

  /**
   * A change of a kind that is newer than this client.
   *
   * @param cursor where to go on from
   */
  record Unknown(String cursor) implements Change {}
}
