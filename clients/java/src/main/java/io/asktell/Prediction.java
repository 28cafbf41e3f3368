package io.asktell;

/**
 * What the model believed about a configuration before it was run, in the objective's unit.
 *
 * @param mean the predicted objective
 * @param standardDeviation of the prediction
 * @param acquisitionValue log expected improvement, in units of the standardised objective
 */
public record Prediction(double mean, double standardDeviation, double acquisitionValue) {

  static Prediction decode(boolean set, io.asktell.v1.Prediction wire) {
    return set
        ? new Prediction(wire.getMean(), wire.getStandardDeviation(), wire.getAcquisitionValue())
        : null;
  }
}
