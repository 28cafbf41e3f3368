package io.asktell;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.Serializable;
import java.time.Duration;
import java.util.Map;

/** What an error says, before it becomes an exception of the type that fits. */
record Failure(
    String message,
    Status.Code code,
    String reason,
    Map<String, String> metadata,
    Duration retryAfter,
    Throwable cause)
    implements Serializable {

  private static final String DOMAIN = "asktell";
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  /** An error that no server gave a reason for. */
  static Failure of(String message, Status.Code code, Throwable cause) {
    return new Failure(message, code, "", Map.of(), Duration.ZERO, cause);
  }

  /** A complaint of this client's own, in the shape of the server's. */
  static AsktellException invalid(String field, String message) {
    Status.Code code = Status.Code.INVALID_ARGUMENT;
    Map<String, String> metadata = Map.of("field", field);
    return AsktellException.of(
        new Failure(field + ": " + message, code, "", metadata, Duration.ZERO, null));
  }

  /** What gRPC's status says, with the details of asktell's servers. */
  static Failure of(StatusRuntimeException error) {
    Status status = error.getStatus();
    String reason = "";
    Map<String, String> metadata = Map.of();
    Duration retryAfter = pushback(error.getTrailers());
    for (Any detail : StatusProto.fromThrowable(error).getDetailsList()) {
      try {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          if (info.getDomain().equals(DOMAIN)) {
            reason = info.getReason();
            metadata = Map.copyOf(info.getMetadataMap());
          }
        } else if (detail.is(RetryInfo.class)) {
          com.google.protobuf.Duration hint = detail.unpack(RetryInfo.class).getRetryDelay();
          retryAfter =
              Backoff.max(retryAfter, Duration.ofSeconds(hint.getSeconds(), hint.getNanos()));
        }
      } catch (InvalidProtocolBufferException broken) {
        continue; // the status itself still says what there is to say
      }
    }
    String description = status.getDescription();
    boolean silent = description == null || description.isEmpty();
    String message = silent ? status.getCode().name() : description;
    return new Failure(message, status.getCode(), reason, metadata, retryAfter, error);
  }

  private static Duration pushback(Metadata trailers) {
    String value = trailers == null ? null : trailers.get(PUSHBACK);
    if (value == null || !value.matches("[0-9]{1,9}")) {
      return Duration.ZERO;
    }
    return Duration.ofMillis(Long.parseLong(value));
  }

  Failure withMessage(String other) {
    return new Failure(other, code, reason, metadata, retryAfter, cause);
  }
}
