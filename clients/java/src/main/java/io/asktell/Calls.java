package io.asktell;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.asktell.AsktellException.CallInterruptedException;
import io.asktell.AsktellException.ClientClosedException;
import io.asktell.AsktellException.ContentionException;
import io.asktell.AsktellException.UnavailableException;
import io.asktell.v1.AnalysisServiceGrpc;
import io.asktell.v1.SuggestionServiceGrpc;
import io.asktell.v1.TrialServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.ConnectivityState;
import io.grpc.Deadline;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * Gives every unary call its deadline and makes it again where that is safe, always with the same
 * request and so with the same request id: on UNAVAILABLE and on lost races (CONTENTION: nothing
 * was changed), on nothing else.
 */
final class Calls {
  private static final int CONTENTION_TRIES = 8;

  private final Settings settings;
  private final ManagedChannel channel;

  Calls(Settings settings, ManagedChannel channel) {
    this.settings = settings;
    this.channel = channel;
  }

  <Q extends Message, R> R unary(MethodDescriptor<Q, R> method, Q request) {
    return unary(method, request, timeout(method));
  }

  <Q extends Message, R> R unary(MethodDescriptor<Q, R> method, Q wanted, Duration timeout) {
    Q request = identified(wanted);
    Deadline deadline = Deadline.after(timeout.toNanos(), TimeUnit.NANOSECONDS);
    CallOptions options = CallOptions.DEFAULT.withDeadline(deadline).withWaitForReady();
    Backoff backoff = new Backoff();
    for (int tries = 1; ; tries++) {
      try {
        return ClientCalls.blockingUnaryCall(channel, method, options, request);
      } catch (StatusRuntimeException error) {
        AsktellException failure = AsktellException.of(Failure.of(error));
        boolean again =
            failure instanceof UnavailableException && !channel.isShutdown()
                || failure instanceof ContentionException && tries < CONTENTION_TRIES;
        if (!again) {
          throw explained(error, failure);
        }
        Duration delay = backoff.next(failure.retryAfter().orElse(Duration.ZERO));
        if (deadline.timeRemaining(TimeUnit.NANOSECONDS) <= delay.toNanos()) {
          throw explained(error, failure);
        }
        sleep(delay);
      }
    }
  }

  /**
   * Fills in the request id, by which the server knows a retry from a new request, in every request
   * that has such a field.
   */
  @SuppressWarnings("unchecked") // a builder builds messages of the type that it came from
  private static <Q extends Message> Q identified(Q request) {
    FieldDescriptor id = request.getDescriptorForType().findFieldByName("request_id");
    if (id == null || !request.getField(id).equals("")) {
      return request;
    }
    return (Q) request.toBuilder().setField(id, UUID.randomUUID().toString()).build();
  }

  private Duration timeout(MethodDescriptor<?, ?> method) {
    boolean fitsModels =
        method == TrialServiceGrpc.getAskMethod()
            || method == SuggestionServiceGrpc.getSuggestMethod()
            || AnalysisServiceGrpc.SERVICE_NAME.equals(method.getServiceName());
    return fitsModels ? settings.askTimeout() : settings.timeout();
  }

  /**
   * The exception that names the cause: a server that cannot be reached, not one that is slow; a
   * closed client, not a cancelled call.
   */
  AsktellException explained(StatusRuntimeException error, AsktellException failure) {
    Status.Code code = error.getStatus().getCode();
    if (channel.isShutdown()) {
      return new ClientClosedException(Failure.of("the client has been closed", code, error));
    }
    if (error.getCause() instanceof InterruptedException) {
      return new CallInterruptedException(
          Failure.of("interrupted while waiting for an answer", code, error));
    }
    ConnectivityState state = channel.getState(false);
    boolean unreachable = state != ConnectivityState.READY && state != ConnectivityState.IDLE;
    if (code == Status.Code.DEADLINE_EXCEEDED && failure.reason().isEmpty() && unreachable) {
      String message =
          "no server answers at "
              + settings.addresses()
              + ": is asktell-server running there? ("
              + failure.getMessage()
              + ")";
      return new UnavailableException(Failure.of(message, Status.Code.UNAVAILABLE, error));
    }
    return failure;
  }

  static void sleep(Duration delay) {
    try {
      TimeUnit.NANOSECONDS.sleep(delay.toNanos());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new CallInterruptedException(
          Failure.of("interrupted while waiting to try again", Status.Code.CANCELLED, interrupted));
    }
  }
}
