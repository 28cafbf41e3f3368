package io.asktell;

/** The study is searched by hand, and nothing is enqueued. */
public final class QueueEmptyException extends FailedPreconditionException {
  private static final long serialVersionUID = 1L;

  QueueEmptyException(Failure failure) {
    super(failure);
  }
}
