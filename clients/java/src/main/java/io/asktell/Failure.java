package io.asktell;

import java.time.Duration;
import java.util.Map;

/** What an error says, before it becomes an exception of the type that fits. */
record Failure(
    String message,
    String code,
    String reason,
    Map<String, String> metadata,
    Duration retryAfter,
    Throwable cause)
    implements java.io.Serializable {

  static Failure of(String message, String code, Throwable cause) {
    return new Failure(message, code, "", Map.of(), Duration.ZERO, cause);
  }

  /** A complaint of this client's own, in the shape of the server's. */
  static InvalidArgumentException invalid(String field, String message) {
    return new InvalidArgumentException(
        new Failure(
            field + ": " + message,
            "INVALID_ARGUMENT",
            "",
            Map.of("field", field),
            Duration.ZERO,
            null));
  }

  Failure withMessage(String other) {
    return new Failure(other, code, reason, metadata, retryAfter, cause);
  }
}
