package io.asktell;

import static java.util.Map.entry;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Map;
import java.util.function.Function;

/** Makes exceptions of gRPC's statuses, by the reason that the server gives. */
final class Failures {
  private static final String DOMAIN = "asktell";
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  private static final Map<String, Function<Failure, AsktellException>> BY_REASON =
      Map.ofEntries(
          entry("INVALID_FIELD", InvalidArgumentException::new),
          entry("NOT_FINITE", NotFiniteException::new),
          entry("UNKNOWN_METRIC", UnknownMetricException::new),
          entry("MISSING_OBJECTIVE", MissingObjectiveException::new),
          entry("VALUE_OUTSIDE_SPACE", ValueOutsideSpaceException::new),
          entry("REQUEST_ID_REUSED", InvalidArgumentException::new),
          entry("TEST_SPLIT_OBJECTIVE", TestSplitObjectiveException::new),
          entry("GRID_TOO_LARGE", GridTooLargeException::new),
          entry("INVALID_TOKEN", InvalidArgumentException::new),
          entry("NOT_SUPPORTED", NotSupportedException::new),
          entry("STUDY_NOT_FOUND", StudyNotFoundException::new),
          entry("TRIAL_NOT_FOUND", TrialNotFoundException::new),
          entry("STUDY_EXISTS", StudyExistsException::new),
          entry("RESULT_CONFLICT", ResultConflictException::new),
          entry("STUDY_COMPLETE", StudyCompleteException::new),
          entry("STUDY_PAUSED", StudyPausedException::new),
          entry("QUEUE_EMPTY", QueueEmptyException::new),
          entry("ILLEGAL_TRANSITION", IllegalTransitionException::new),
          entry("LEASE_LOST", LeaseLostException::new),
          entry("ETAG_MISMATCH", EtagMismatchException::new),
          entry("CONTENTION", ContentionException::new),
          entry("NO_TRIAL_AVAILABLE", NoTrialAvailableException::new),
          entry("OVERLOADED", OverloadedException::new),
          entry("LIMIT_EXCEEDED", LimitExceededException::new),
          entry("STORE_UNAVAILABLE", UnavailableException::new),
          entry("SERVER_DRAINING", UnavailableException::new),
          entry("STATELESS_SERVER", NotSupportedException::new),
          entry("UNAUTHENTICATED", UnauthenticatedException::new),
          entry("INTERNAL", InternalException::new),
          entry("DEADLINE", DeadlineExceededException::new));

  // For a status without a reason (a proxy's, or gRPC's own) and for reasons newer than this
  // client.
  private static final Map<Status.Code, Function<Failure, AsktellException>> BY_CODE =
      Map.ofEntries(
          entry(Status.Code.INVALID_ARGUMENT, InvalidArgumentException::new),
          entry(Status.Code.UNIMPLEMENTED, NotSupportedException::new),
          entry(Status.Code.NOT_FOUND, NotFoundException::new),
          entry(Status.Code.ALREADY_EXISTS, AlreadyExistsException::new),
          entry(Status.Code.FAILED_PRECONDITION, FailedPreconditionException::new),
          entry(Status.Code.ABORTED, AbortedException::new),
          entry(Status.Code.RESOURCE_EXHAUSTED, ResourceExhaustedException::new),
          entry(Status.Code.UNAVAILABLE, UnavailableException::new),
          entry(Status.Code.DEADLINE_EXCEEDED, DeadlineExceededException::new),
          entry(Status.Code.UNAUTHENTICATED, UnauthenticatedException::new),
          entry(Status.Code.INTERNAL, InternalException::new));

  private Failures() {}

  static AsktellException of(StatusRuntimeException error) {
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
          Duration told = Wire.duration(detail.unpack(RetryInfo.class).getRetryDelay());
          retryAfter = told.compareTo(retryAfter) > 0 ? told : retryAfter;
        }
      } catch (InvalidProtocolBufferException broken) {
        continue; // the status itself still says what there is to say
      }
    }
    String message = status.getDescription();
    Failure failure =
        new Failure(
            message == null || message.isEmpty() ? status.getCode().name() : message,
            status.getCode().name(),
            reason,
            metadata,
            retryAfter,
            error);
    Function<Failure, AsktellException> type = BY_REASON.get(reason);
    if (type == null) {
      type = BY_CODE.getOrDefault(status.getCode(), AsktellException::new);
    }
    return type.apply(failure);
  }

  private static Duration pushback(Metadata trailers) {
    String value = trailers == null ? null : trailers.get(PUSHBACK);
    if (value == null || !value.matches("[0-9]{1,9}")) {
      return Duration.ZERO;
    }
    return Duration.ofMillis(Long.parseLong(value));
  }
}
