package io.asktell;

/**
 * A real number in [min, max]; with a step, one of min, min + step … .
 *
 * @param name unique in the study
 * @param min the least value
 * @param max the greatest value
 * @param scale which differences count as equal steps
 * @param step null = every value
 * @param defaultValue null = none
 */
public record FloatParameter(
    String name, double min, double max, Scale scale, Double step, Double defaultValue)
    implements Parameter {

  /** A parameter on a linear scale. */
  public static FloatParameter of(String name, double min, double max) {
    return new FloatParameter(name, min, max, Scale.LINEAR, null, null);
  }

  /** The same on a logarithmic scale. */
  public FloatParameter log() {
    return withScale(Scale.LOG);
  }

  /** The same on another scale. */
  public FloatParameter withScale(Scale other) {
    return new FloatParameter(name, min, max, other, step, defaultValue);
  }

  /** The same with a step. */
  public FloatParameter withStep(double other) {
    return new FloatParameter(name, min, max, scale, other, defaultValue);
  }

  /** The same with a default. */
  public FloatParameter withDefault(double value) {
    return new FloatParameter(name, min, max, scale, step, value);
  }
}
