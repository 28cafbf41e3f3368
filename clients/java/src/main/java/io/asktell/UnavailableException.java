package io.asktell;

/** No server, or its store is away, for longer than the call's deadline. */
public final class UnavailableException extends AsktellException {
  private static final long serialVersionUID = 1L;

  UnavailableException(Failure failure) {
    super(failure);
  }
}
