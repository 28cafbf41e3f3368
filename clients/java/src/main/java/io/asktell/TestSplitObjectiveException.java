package io.asktell;

/** An objective is measured on test data, which would make it worthless as a test. */
public final class TestSplitObjectiveException extends InvalidArgumentException {
  private static final long serialVersionUID = 1L;

  TestSplitObjectiveException(Failure failure) {
    super(failure);
  }
}
