package io.asktell;

/** A limit of the product is reached. */
public final class LimitExceededException extends ResourceExhaustedException {
  private static final long serialVersionUID = 1L;

  LimitExceededException(Failure failure) {
    super(failure);
  }
}
