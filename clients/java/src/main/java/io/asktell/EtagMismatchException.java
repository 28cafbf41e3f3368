package io.asktell;

/** The study changed since it was read, see {@link #etag()}. */
public final class EtagMismatchException extends AbortedException {
  private static final long serialVersionUID = 1L;

  EtagMismatchException(Failure failure) {
    super(failure);
  }

  /** The study's present etag. */
  public String etag() {
    return metadata().getOrDefault("etag", "");
  }
}
