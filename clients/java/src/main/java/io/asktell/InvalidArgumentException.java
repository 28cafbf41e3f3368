package io.asktell;

/** A field of the request is wrong, see {@link #field()}; nothing was changed. */
public class InvalidArgumentException extends AsktellException {
  private static final long serialVersionUID = 1L;

  InvalidArgumentException(Failure failure) {
    super(failure);
  }
}
