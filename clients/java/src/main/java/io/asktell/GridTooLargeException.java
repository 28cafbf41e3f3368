package io.asktell;

/** The grid has more than 1,000,000 points. */
public final class GridTooLargeException extends InvalidArgumentException {
  private static final long serialVersionUID = 1L;

  GridTooLargeException(Failure failure) {
    super(failure);
  }
}
