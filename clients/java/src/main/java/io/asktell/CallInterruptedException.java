package io.asktell;

/** The thread was interrupted while it waited; its interrupt status is set. */
public final class CallInterruptedException extends AsktellException {
  private static final long serialVersionUID = 1L;

  CallInterruptedException(Failure failure) {
    super(failure);
  }
}
