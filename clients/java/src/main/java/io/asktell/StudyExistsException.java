package io.asktell;

/**
 * A study of that name exists; from {@link Client#createOrOpenStudy(String, StudySpec)}, one with
 * another specification.
 */
public final class StudyExistsException extends AlreadyExistsException {
  private static final long serialVersionUID = 1L;

  StudyExistsException(Failure failure) {
    super(failure);
  }
}
