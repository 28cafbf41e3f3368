package io.asktell;

/** The client has been closed. */
public final class ClientClosedException extends AsktellException {
  private static final long serialVersionUID = 1L;

  ClientClosedException(Failure failure) {
    super(failure);
  }
}
