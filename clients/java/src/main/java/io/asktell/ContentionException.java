package io.asktell;

/** Too many writers at once, for longer than the client's own retries. */
public final class ContentionException extends AbortedException {
  private static final long serialVersionUID = 1L;

  ContentionException(Failure failure) {
    super(failure);
  }
}
