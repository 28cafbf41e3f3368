package io.asktell;

/** All that may run now is running; ask again after {@link #retryAfter()}. */
public final class NoTrialAvailableException extends ResourceExhaustedException {
  private static final long serialVersionUID = 1L;

  NoTrialAvailableException(Failure failure) {
    super(failure);
  }
}
