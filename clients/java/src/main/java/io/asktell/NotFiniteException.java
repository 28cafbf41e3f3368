package io.asktell;

/** A value is NaN or infinite. */
public final class NotFiniteException extends InvalidArgumentException {
  private static final long serialVersionUID = 1L;

  NotFiniteException(Failure failure) {
    super(failure);
  }
}
