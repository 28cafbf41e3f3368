package io.asktell;

/**
 * The trial has another result, see {@link #storedMetrics()}; corrections go through {@link
 * Trial#amend}.
 */
public final class ResultConflictException extends AlreadyExistsException {
  private static final long serialVersionUID = 1L;

  ResultConflictException(Failure failure) {
    super(failure);
  }

  /** The metrics of the stored result; empty when the server does not tell them. */
  public Metrics storedMetrics() {
    return StoredMetrics.parse(metadata().getOrDefault("metrics", ""));
  }

  /** The state of the stored result. */
  public TrialState state() {
    return Enums.named(TrialState.class, metadata().get("state"));
  }
}
