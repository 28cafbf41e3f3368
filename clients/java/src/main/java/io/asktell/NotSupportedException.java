package io.asktell;

/** The contract has it, this server does not do it; see {@link #field()}. */
public final class NotSupportedException extends AsktellException {
  private static final long serialVersionUID = 1L;

  NotSupportedException(Failure failure) {
    super(failure);
  }
}
