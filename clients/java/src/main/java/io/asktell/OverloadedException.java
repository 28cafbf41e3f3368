package io.asktell;

/** The server has as many calls as it can take. */
public final class OverloadedException extends ResourceExhaustedException {
  private static final long serialVersionUID = 1L;

  OverloadedException(Failure failure) {
    super(failure);
  }
}
