package io.asktell;

/** No such study or trial, see {@link #name()}. */
public class NotFoundException extends AsktellException {
  private static final long serialVersionUID = 1L;

  NotFoundException(Failure failure) {
    super(failure);
  }
}
