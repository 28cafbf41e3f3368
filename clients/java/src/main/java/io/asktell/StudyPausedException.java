package io.asktell;

/** The study hands out no trials until it is resumed. */
public final class StudyPausedException extends FailedPreconditionException {
  private static final long serialVersionUID = 1L;

  StudyPausedException(Failure failure) {
    super(failure);
  }
}
