package io.asktell;

/** A study of that name, or another result, exists. */
public class AlreadyExistsException extends AsktellException {
  private static final long serialVersionUID = 1L;

  AlreadyExistsException(Failure failure) {
    super(failure);
  }
}
