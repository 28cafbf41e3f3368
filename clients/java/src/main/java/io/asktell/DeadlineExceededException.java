package io.asktell;

/**
 * The answer was not ready in time. The call may have been carried out; making it again is safe.
 */
public final class DeadlineExceededException extends AsktellException {
  private static final long serialVersionUID = 1L;

  DeadlineExceededException(Failure failure) {
    super(failure);
  }
}
