package io.asktell;

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

  <Q, R> R unary(MethodDescriptor<Q, R> method, Q request) {
    return unary(method, request, timeout(method));
  }

  <Q, R> R unary(MethodDescriptor<Q, R> method, Q request, Duration timeout) {
    Deadline deadline = Deadline.after(timeout.toNanos(), TimeUnit.NANOSECONDS);
    CallOptions options = CallOptions.DEFAULT.withDeadline(deadline).withWaitForReady();
    Backoff backoff = new Backoff();
    for (int tries = 1; ; tries++) {
      try {
        return ClientCalls.blockingUnaryCall(channel, method, options, request);
      } catch (StatusRuntimeException error) {
        AsktellException failure = Failures.of(error);
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

  private Duration timeout(MethodDescriptor<?, ?> method) {
    boolean fitsModels =
        method == TrialServiceGrpc.getAskMethod()
            || method == SuggestionServiceGrpc.getSuggestMethod();
    return fitsModels ? settings.askTimeout() : settings.timeout();
  }

  /**
   * Tells a server that cannot be reached from one that is slow, and a closed client from a
   * cancelled call.
   */
  AsktellException explained(StatusRuntimeException error, AsktellException failure) {
    if (channel.isShutdown()) {
      return new ClientClosedException(
          Failure.of("the client has been closed", failure.code(), error));
    }
    if (error.getCause() instanceof InterruptedException) {
      return new CallInterruptedException(
          Failure.of("interrupted while waiting for an answer", failure.code(), error));
    }
    ConnectivityState state = channel.getState(false);
    boolean unreachable = state != ConnectivityState.READY && state != ConnectivityState.IDLE;
    boolean ranOut = error.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED;
    if (ranOut && failure.reason().isEmpty() && unreachable) {
      String message =
          "no server answers at "
              + settings.addresses()
              + ": is asktell-server running there? ("
              + failure.getMessage()
              + ")";
      return new UnavailableException(Failure.of(message, "UNAVAILABLE", error));
    }
    return failure;
  }

  static void sleep(Duration delay) {
    try {
      TimeUnit.NANOSECONDS.sleep(delay.toNanos());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new CallInterruptedException(
          Failure.of("interrupted while waiting to try again", "CANCELLED", interrupted));
    }
  }
}
