package io.asktell;

/** The trial's state does not allow the call, see {@link #state()}. */
public final class IllegalTransitionException extends FailedPreconditionException {
  private static final long serialVersionUID = 1L;

  IllegalTransitionException(Failure failure) {
    super(failure);
  }

  /** The state that the trial is in. */
  public TrialState state() {
    return Enums.named(TrialState.class, metadata().get("state"));
  }
}
