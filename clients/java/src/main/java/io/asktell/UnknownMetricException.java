package io.asktell;

/** The study declares no such metric. */
public final class UnknownMetricException extends InvalidArgumentException {
  private static final long serialVersionUID = 1L;

  UnknownMetricException(Failure failure) {
    super(failure);
  }
}
