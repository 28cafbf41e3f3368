package io.asktell;

/** The trial is no longer this worker's. */
public final class LeaseLostException extends FailedPreconditionException {
  private static final long serialVersionUID = 1L;

  LeaseLostException(Failure failure) {
    super(failure);
  }
}
