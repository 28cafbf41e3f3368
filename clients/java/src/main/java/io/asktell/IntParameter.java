package io.asktell;

/**
 * A whole number in [min, max], both ends within ±2^53; with a step, one of min, min + step … .
 *
 * @param name unique in the study
 * @param min the least value
 * @param max the greatest value
 * @param scale which differences count as equal steps
 * @param step null = every whole number
 * @param defaultValue null = none
 */
public record IntParameter(
    String name, long min, long max, Scale scale, Long step, Long defaultValue)
    implements Parameter {

  /** A parameter on a linear scale. */
  public static IntParameter of(String name, long min, long max) {
    return new IntParameter(name, min, max, Scale.LINEAR, null, null);
  }

  /** The same on a logarithmic scale. */
  public IntParameter log() {
    return withScale(Scale.LOG);
  }

  /** The same on another scale. */
  public IntParameter withScale(Scale other) {
    return new IntParameter(name, min, max, other, step, defaultValue);
  }

  /** The same with a step. */
  public IntParameter withStep(long other) {
    return new IntParameter(name, min, max, scale, other, defaultValue);
  }

  /** The same with a default. */
  public IntParameter withDefault(long value) {
    return new IntParameter(name, min, max, scale, step, value);
  }
}
