package io.asktell;

/** The token is missing or wrong. */
public final class UnauthenticatedException extends AsktellException {
  private static final long serialVersionUID = 1L;

  UnauthenticatedException(Failure failure) {
    super(failure);
  }
}
