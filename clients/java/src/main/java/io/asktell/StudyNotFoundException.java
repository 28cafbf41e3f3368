package io.asktell;

/** No such study. */
public final class StudyNotFoundException extends NotFoundException {
  private static final long serialVersionUID = 1L;

  StudyNotFoundException(Failure failure) {
    super(failure);
  }
}
