package io.asktell;

/** No such trial. */
public final class TrialNotFoundException extends NotFoundException {
  private static final long serialVersionUID = 1L;

  TrialNotFoundException(Failure failure) {
    super(failure);
  }
}
