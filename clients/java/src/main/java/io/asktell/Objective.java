package io.asktell;

/**
 * A metric to optimise. One on the test split is refused: it would be worthless as a test.
 *
 * @param metric its name as trials tell it
 * @param goal whether less or more is better
 * @param split the data on which it is measured
 */
public record Objective(String metric, Goal goal, Split split) {

  /** Less is better, on validation data. */
  public static Objective minimize(String metric) {
    return new Objective(metric, Goal.MINIMIZE, Split.VALIDATION);
  }

  /** More is better, on validation data. */
  public static Objective maximize(String metric) {
    return new Objective(metric, Goal.MAXIMIZE, Split.VALIDATION);
  }
}
