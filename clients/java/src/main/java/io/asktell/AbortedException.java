package io.asktell;

/** A race was lost; nothing was changed and the call may be made again. */
public class AbortedException extends AsktellException {
  private static final long serialVersionUID = 1L;

  AbortedException(Failure failure) {
    super(failure);
  }
}
