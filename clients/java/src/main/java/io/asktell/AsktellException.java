package io.asktell;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * What a call ended with. Subclasses tell what went wrong: catch those, never match on the message.
 *
 * <p>They are unchecked, because most programs handle one or two of them and let the others end the
 * program.
 */
public class AsktellException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Failure failure;

  AsktellException(Failure failure) {
    super(failure.message(), failure.cause());
    this.failure = failure;
  }

  /** The reason, for programs, a name of asktell.v1.ErrorReason; empty when no server said one. */
  public String reason() {
    return failure.reason();
  }

  /** What the catalogue of reasons promises for the reason. */
  public Map<String, String> metadata() {
    return failure.metadata();
  }

  /** The gRPC status, such as {@code "NOT_FOUND"}. */
  public String code() {
    return failure.code();
  }

  /** When another try makes sense; empty when nothing is known about it. */
  public Optional<Duration> retryAfter() {
    return failure.retryAfter().isZero() ? Optional.empty() : Optional.of(failure.retryAfter());
  }

  /** The path of the wrong field in the request; empty when the error is about none. */
  public String field() {
    return metadata().getOrDefault("field", "");
  }

  /** The resource name of the study or trial that the error is about; empty when it names none. */
  public String name() {
    return metadata().getOrDefault("name", "");
  }
}
