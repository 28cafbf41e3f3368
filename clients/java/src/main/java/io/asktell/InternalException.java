package io.asktell;

/** A bug of the server; its log has more under {@link #incident()}. */
public final class InternalException extends AsktellException {
  private static final long serialVersionUID = 1L;

  InternalException(Failure failure) {
    super(failure);
  }

  /** The id under which the server's log has more. */
  public String incident() {
    return metadata().getOrDefault("incident", "");
  }
}
