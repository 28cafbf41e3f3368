package io.asktell;

/** A limit is reached, or the server is at the end of its capacity. */
public class ResourceExhaustedException extends AsktellException {
  private static final long serialVersionUID = 1L;

  ResourceExhaustedException(Failure failure) {
    super(failure);
  }
}
