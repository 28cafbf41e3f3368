package io.asktell;

/** A result without the objective. */
public final class MissingObjectiveException extends InvalidArgumentException {
  private static final long serialVersionUID = 1L;

  MissingObjectiveException(Failure failure) {
    super(failure);
  }
}
