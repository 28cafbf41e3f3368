package io.asktell;

/** The state of the study or trial does not allow the call. */
public class FailedPreconditionException extends AsktellException {
  private static final long serialVersionUID = 1L;

  FailedPreconditionException(Failure failure) {
    super(failure);
  }
}
