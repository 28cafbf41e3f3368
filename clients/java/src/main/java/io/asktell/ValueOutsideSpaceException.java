package io.asktell;

/** A parameter value that its domain does not have, or that is missing. */
public final class ValueOutsideSpaceException extends InvalidArgumentException {
  private static final long serialVersionUID = 1L;

  ValueOutsideSpaceException(Failure failure) {
    super(failure);
  }
}
