package io.asktell;

/** The study hands out no more trials, see {@link #finishReason()}. */
public final class StudyCompleteException extends FailedPreconditionException {
  private static final long serialVersionUID = 1L;

  StudyCompleteException(Failure failure) {
    super(reworded(failure));
  }

  /** Why the study is complete. */
  public FinishReason finishReason() {
    return Enums.named(FinishReason.class, metadata().get("finish_reason"));
  }

  // The same first words in every client, whatever the server says after them.
  private static Failure reworded(Failure failure) {
    String because =
        switch (Enums.named(FinishReason.class, failure.metadata().get("finish_reason"))) {
          case REQUESTED -> "it was finished by request";
          case MAX_TRIALS -> "its budget of trials is used up";
          case TARGET -> "a trial reached the target value";
          case PATIENCE -> "the last trials did not better the best one";
          case DEADLINE -> "its deadline has passed";
          case EXHAUSTED -> "every configuration of its space or grid has been tried";
          case UNSPECIFIED -> failure.message();
        };
    return failure.withMessage("study is complete: " + because);
  }
}
