package io.asktell;

import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.Timestamp;
import io.asktell.AsktellException.FailedPreconditionException;
import io.asktell.AsktellException.NotFoundException;
import io.asktell.v1.ReleaseTrialRequest;
import io.asktell.v1.ReportRequest;
import io.asktell.v1.ReportResponse;
import io.asktell.v1.TrialServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * The lease of one attempt at a trial, and the heartbeats that renew it. A result closes it; the
 * server may declare it lost.
 */
final class Lease {
  private static final int BEATS_PER_LEASE = 3;
  private static final Duration SHORTEST_BEAT = Duration.ofMillis(200);
  private static final Duration LONGEST_CALL = Duration.ofSeconds(10);
  private static final Duration AFTER_FAILURE = Duration.ofSeconds(2);
  private static final Duration RELEASE_TIMEOUT =
      Duration.ofSeconds(3); // a program that ends should end

  private final Session session;
  private final String name;
  private final String id;
  private final Duration duration; // zero = for ever

  private long renewedAt;
  private ListenableFuture<ReportResponse> beating;
  private boolean failing;
  private boolean closed;
  private boolean lost;
  private boolean shouldStop;
  private String stopReason = "";

  /**
   * A lease that nothing renews yet.
   *
   * @param takenAt when the ask was sent, so that a slow answer does not lengthen the lease
   */
  Lease(Session session, io.asktell.v1.Trial trial, long takenAt) {
    this.session = session;
    this.name = trial.getName();
    this.id = trial.getLeaseId();
    this.renewedAt = takenAt;
    if (trial.hasLeaseExpireTime()) {
      // Both times are of the server's clock: the clock of this machine may differ.
      Timestamp start = trial.getStartTime();
      Timestamp end = trial.getLeaseExpireTime();
      Duration granted =
          Duration.ofSeconds(
              end.getSeconds() - start.getSeconds(), end.getNanos() - start.getNanos());
      this.duration = Backoff.max(SHORTEST_BEAT, granted);
    } else {
      this.duration = Duration.ZERO;
    }
  }

  boolean isEndless() {
    return duration.isZero();
  }

  void keepAlive() {
    if (!isEndless()) {
      session.schedule(this::beatIfDue, untilDue());
    }
  }

  private Duration interval() {
    return Backoff.max(SHORTEST_BEAT, duration.dividedBy(BEATS_PER_LEASE));
  }

  private synchronized Duration untilDue() {
    return interval().minusNanos(System.nanoTime() - renewedAt);
  }

  /** Sends a heartbeat, unless a report has renewed the lease meanwhile. */
  private synchronized void beatIfDue() {
    if (closed || lost) {
      return;
    }
    Duration wait = untilDue();
    if (wait.toNanos() > 0) {
      session.schedule(this::beatIfDue, wait);
      return;
    }
    long sentAt = System.nanoTime();
    Duration limit = Backoff.min(LONGEST_CALL, Backoff.max(Duration.ofSeconds(1), interval()));
    // The timer's thread does not wait for the answer: a server that is slow for one trial must not
    // delay the heartbeats of the others.
    beating =
        ClientCalls.futureUnaryCall(
            session.channel.newCall(
                TrialServiceGrpc.getReportMethod(),
                CallOptions.DEFAULT
                    .withDeadlineAfter(limit.toNanos(), TimeUnit.NANOSECONDS)
                    .withWaitForReady()),
            ReportRequest.newBuilder().setName(name).setLeaseId(id).build());
    ListenableFuture<ReportResponse> answer = beating;
    answer.addListener(() -> beaten(answer, sentAt), Runnable::run);
  }

  private void beaten(ListenableFuture<ReportResponse> answer, long sentAt) {
    Duration wait;
    try {
      heard(Futures.getDone(answer), sentAt);
      wait = untilDue();
    } catch (CancellationException closedMeanwhile) {
      return;
    } catch (ExecutionException failed) {
      wait = failed(failed.getCause());
    }
    synchronized (this) {
      if (!closed && !lost) {
        session.schedule(this::beatIfDue, wait);
      }
    }
  }

  private synchronized Duration failed(Throwable cause) {
    AsktellException failure =
        AsktellException.of(
            cause instanceof StatusRuntimeException error
                ? Failure.of(error)
                : Failure.of(String.valueOf(cause), Status.Code.UNKNOWN, cause));
    if (failure instanceof NotFoundException) { // the trial or its study has been deleted
      shouldStop |= !closed;
      lost |= !closed;
    } else if (!closed) {
      // An outage is one line, not one for each beat.
      Session.LOGGER.log(
          failing ? Level.DEBUG : Level.WARNING,
          "heartbeat of {0} failed: {1}",
          name,
          failure.getMessage());
      failing = true;
    }
    Duration wait = Backoff.jitter(Backoff.min(interval(), AFTER_FAILURE), 0.5, 1.0);
    return Backoff.max(wait, failure.retryAfter().orElse(Duration.ZERO));
  }

  /** Takes the server's answer to a report over. */
  synchronized void heard(ReportResponse answer, long sentAt) {
    if (closed) {
      return;
    }
    failing = false;
    renewedAt = sentAt;
    shouldStop |= answer.getShouldStop();
    stopReason = answer.getStopReason();
    lost |= !answer.getLeaseValid();
  }

  /** Ends the lease on this side. */
  void close() {
    ListenableFuture<ReportResponse> inFlight;
    synchronized (this) {
      closed = true;
      inFlight = beating;
    }
    if (inFlight != null) {
      inFlight.cancel(true);
    }
    session.drop(this);
  }

  /**
   * Gives the trial back, if it is still this worker's. A failure is logged, and the lease runs out
   * by itself then.
   *
   * @return whether a server answered
   */
  boolean giveBack() {
    if (isLost()) {
      return true;
    }
    ReleaseTrialRequest request =
        ReleaseTrialRequest.newBuilder().setName(name).setLeaseId(id).build();
    try {
      session.calls.unary(TrialServiceGrpc.getReleaseTrialMethod(), request, RELEASE_TIMEOUT);
    } catch (FailedPreconditionException | NotFoundException ended) {
      Session.LOGGER.log(Level.DEBUG, "{0} had ended already", name);
    } catch (AsktellException failure) {
      Session.LOGGER.log(Level.WARNING, "{0} was not given back: {1}", name, failure.getMessage());
      return false;
    }
    return true;
  }

  synchronized boolean isOpen() {
    return !closed;
  }

  synchronized boolean isLost() {
    return lost && !closed;
  }

  synchronized boolean shouldStop() {
    return shouldStop;
  }

  synchronized String stopReason() {
    return stopReason;
  }
}
