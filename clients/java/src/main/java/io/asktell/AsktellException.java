package io.asktell;

import io.asktell.v1.ErrorReason;
import io.asktell.v1.FinishReason;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a call ended with. The nested classes name what programs handle; {@link #reason()} names
 * everything else. Never match on the message. Any call may throw {@link UnavailableException},
 * {@link DeadlineExceededException}, {@link NotFoundException}, {@link UnauthenticatedException},
 * {@link InternalException}, {@link ClientClosedException} and {@link CallInterruptedException}.
 *
 * <p>The exceptions are unchecked, because most programs handle one or two of them and let the
 * others end the program.
 */
public class AsktellException extends RuntimeException {
  private final Failure failure;

  private AsktellException(Failure failure) {
    super(failure.message(), failure.cause());
    this.failure = failure;
  }

  /** The exception whose type fits the reason or, where none does, the status. */
  static AsktellException of(Failure failure) {
    return switch (failure.reason()) {
      case "STUDY_EXISTS" -> new StudyExistsException(failure);
      case "RESULT_CONFLICT" -> new ResultConflictException(failure);
      case "STUDY_COMPLETE" -> new StudyCompleteException(failure);
      case "STUDY_PAUSED" -> new StudyPausedException(failure);
      case "QUEUE_EMPTY" -> new QueueEmptyException(failure);
      case "FIXED_EXHAUSTED" -> new FixedExhaustedException(failure);
      case "TOO_FEW_RESULTS" -> new TooFewResultsException(failure);
      case "ILLEGAL_TRANSITION" -> new IllegalTransitionException(failure);
      case "LEASE_LOST" -> new LeaseLostException(failure);
      case "ETAG_MISMATCH" -> new EtagMismatchException(failure);
      case "CONTENTION" -> new ContentionException(failure);
      case "NO_TRIAL_AVAILABLE" -> new NoTrialAvailableException(failure);
      case "OVERLOADED" -> new OverloadedException(failure);
      case "LIMIT_EXCEEDED" -> new LimitExceededException(failure);
      default ->
          switch (failure.code()) {
            case INVALID_ARGUMENT -> new InvalidArgumentException(failure);
            case NOT_FOUND -> new NotFoundException(failure);
            case FAILED_PRECONDITION -> new FailedPreconditionException(failure);
            case RESOURCE_EXHAUSTED -> new ResourceExhaustedException(failure);
            case UNAVAILABLE -> new UnavailableException(failure);
            case DEADLINE_EXCEEDED -> new DeadlineExceededException(failure);
            case UNIMPLEMENTED -> new NotSupportedException(failure);
            case UNAUTHENTICATED -> new UnauthenticatedException(failure);
            case INTERNAL -> new InternalException(failure);
            default -> new AsktellException(failure);
          };
    };
  }

  /** The same exception with the name of the study file before the line that its message names. */
  AsktellException in(String source) {
    boolean placed = metadata().containsKey("line") && !source.isEmpty();
    return placed ? of(failure.withMessage(source + ":" + getMessage())) : this;
  }

  /**
   * The reason, a name of {@link ErrorReason} without its prefix, such as {@code "NOT_FINITE"};
   * empty when no server gave one.
   */
  public String reason() {
    return failure.reason();
  }

  /** Whether the server gave this reason. */
  public boolean is(ErrorReason reason) {
    return reason.name().equals("ERROR_REASON_" + reason());
  }

  /** What the catalogue of reasons, {@link ErrorReason}, promises for the reason. */
  public Map<String, String> metadata() {
    return failure.metadata();
  }

  /** The gRPC status, such as {@code "NOT_FOUND"}. */
  public String code() {
    return failure.code().name();
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

  /** A field is wrong, see {@link #field()}; nothing was changed. */
  public static final class InvalidArgumentException extends AsktellException {
    private InvalidArgumentException(Failure failure) {
      super(failure);
    }
  }

  /** No such study or trial. */
  public static final class NotFoundException extends AsktellException {
    private NotFoundException(Failure failure) {
      super(failure);
    }
  }

  /** A study of that name exists, or to {@link Client#createOrOpenStudy} one that differs. */
  public static final class StudyExistsException extends AsktellException {
    private StudyExistsException(Failure failure) {
      super(failure);
    }
  }

  /** The trial has another result already; corrections go through {@link Trial#amend}. */
  public static final class ResultConflictException extends AsktellException {
    // Names of metrics have no characters that JSON escapes.
    private static final Pattern MEMBER =
        Pattern.compile("\"([^\"\\\\]+)\"\\s*:\\s*(-?[0-9][0-9.eE+-]*)");

    private ResultConflictException(Failure failure) {
      super(failure);
    }

    /** The metrics of the stored result by name; empty when the server's list was too long. */
    public Map<String, Double> storedMetrics() {
      return parse(metadata().getOrDefault("metrics", ""));
    }

    static Map<String, Double> parse(String json) {
      Map<String, Double> metrics = new TreeMap<>();
      if (json.endsWith("}")) { // else the server's limit on the size of errors has cut it short
        Matcher matcher = MEMBER.matcher(json);
        while (matcher.find()) {
          metrics.put(matcher.group(1), Double.valueOf(matcher.group(2)));
        }
      }
      return metrics;
    }
  }

  /** The call does not fit the present state of the study or trial. */
  public static class FailedPreconditionException extends AsktellException {
    private FailedPreconditionException(Failure failure) {
      super(failure);
    }
  }

  /** The study hands out no more trials, see {@link #finishReason()}. */
  public static final class StudyCompleteException extends FailedPreconditionException {
    private StudyCompleteException(Failure failure) {
      super(failure.withMessage("study is complete: " + because(failure)));
    }

    /** Why the study is complete. */
    public FinishReason finishReason() {
      return finishReason(metadata());
    }

    /** Unspecified for a reason that is newer than this client. */
    private static FinishReason finishReason(Map<String, String> metadata) {
      String name = "FINISH_REASON_" + metadata.get("finish_reason");
      return Arrays.stream(FinishReason.values())
          .filter(reason -> reason.name().equals(name))
          .findFirst()
          .orElse(FinishReason.FINISH_REASON_UNSPECIFIED);
    }

    // The same words in every client.
    private static String because(Failure failure) {
      return switch (finishReason(failure.metadata())) {
        case FINISH_REASON_REQUESTED -> "it was finished by request";
        case FINISH_REASON_MAX_TRIALS -> "its budget of trials is used up";
        case FINISH_REASON_TARGET -> "a trial reached the target value";
        case FINISH_REASON_PATIENCE -> "the last trials did not better the best one";
        case FINISH_REASON_DEADLINE -> "its deadline has passed";
        case FINISH_REASON_EXHAUSTED -> "every configuration of its space or grid has been tried";
        case FINISH_REASON_LITTLE_TO_GAIN -> "another 10 trials are expected to gain too little";
        default -> failure.message();
      };
    }
  }

  /** The study hands out no trials until somebody resumes it. */
  public static final class StudyPausedException extends FailedPreconditionException {
    private StudyPausedException(Failure failure) {
      super(failure);
    }
  }

  /** The study is searched by hand, and nothing is enqueued. */
  public static final class QueueEmptyException extends FailedPreconditionException {
    private QueueEmptyException(Failure failure) {
      super(failure);
    }
  }

  /** Every configuration with the fixed values of the ask has been tried; others are left. */
  public static final class FixedExhaustedException extends FailedPreconditionException {
    private FixedExhaustedException(Failure failure) {
      super(failure);
    }
  }

  /** The study has too few results for a model. */
  public static final class TooFewResultsException extends FailedPreconditionException {
    private TooFewResultsException(Failure failure) {
      super(failure);
    }
  }

  /** The trial's state, the {@code state} of the metadata, does not allow the call. */
  public static final class IllegalTransitionException extends FailedPreconditionException {
    private IllegalTransitionException(Failure failure) {
      super(failure);
    }
  }

  /** The lease is no longer this worker's. */
  public static final class LeaseLostException extends FailedPreconditionException {
    private LeaseLostException(Failure failure) {
      super(failure);
    }
  }

  /** The study changed since it was read; the metadata has its present {@code etag}. */
  public static final class EtagMismatchException extends AsktellException {
    private EtagMismatchException(Failure failure) {
      super(failure);
    }
  }

  /** Too many writers at once, for longer than the call went on trying. */
  public static final class ContentionException extends AsktellException {
    private ContentionException(Failure failure) {
      super(failure);
    }
  }

  /** A limit or quota is reached. */
  public static class ResourceExhaustedException extends AsktellException {
    private ResourceExhaustedException(Failure failure) {
      super(failure);
    }
  }

  /** No trial can be handed out now; one may come back, see {@link #retryAfter()}. */
  public static final class NoTrialAvailableException extends ResourceExhaustedException {
    private NoTrialAvailableException(Failure failure) {
      super(failure);
    }
  }

  /** The server is busy, see {@link #retryAfter()}. */
  public static final class OverloadedException extends ResourceExhaustedException {
    private OverloadedException(Failure failure) {
      super(failure);
    }
  }

  /** A limit of the product is reached, such as the most measurements of a trial. */
  public static final class LimitExceededException extends ResourceExhaustedException {
    private LimitExceededException(Failure failure) {
      super(failure);
    }
  }

  /** No server answered, or its store was away, for longer than the call's deadline. */
  public static final class UnavailableException extends AsktellException {
    UnavailableException(Failure failure) {
      super(failure);
    }
  }

  /** The answer was not ready in time; the call may have had its effect, and may be made again. */
  public static final class DeadlineExceededException extends AsktellException {
    private DeadlineExceededException(Failure failure) {
      super(failure);
    }
  }

  /** The contract has it, and this server does not do it; see {@link #field()}. */
  public static final class NotSupportedException extends AsktellException {
    private NotSupportedException(Failure failure) {
      super(failure);
    }
  }

  /** The token is missing or wrong. */
  public static final class UnauthenticatedException extends AsktellException {
    private UnauthenticatedException(Failure failure) {
      super(failure);
    }
  }

  /** A bug in the server; its log has more under the {@code incident} of the metadata. */
  public static final class InternalException extends AsktellException {
    private InternalException(Failure failure) {
      super(failure);
    }
  }

  /** The client has been closed. */
  public static final class ClientClosedException extends AsktellException {
    ClientClosedException(Failure failure) {
      super(failure);
    }
  }

  /** The thread was interrupted while it waited; its interrupt status is set. */
  public static final class CallInterruptedException extends AsktellException {
    CallInterruptedException(Failure failure) {
      super(failure);
    }
  }
}
