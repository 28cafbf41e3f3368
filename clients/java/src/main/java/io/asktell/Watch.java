package io.asktell;

import io.asktell.AsktellException.UnavailableException;
import io.asktell.v1.GetStudyRequest;
import io.asktell.v1.StudyServiceGrpc;
import io.asktell.v1.TrialServiceGrpc;
import io.asktell.v1.WatchStudyRequest;
import io.asktell.v1.WatchStudyResponse;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * A study's changes as they happen, in order, across restarts of servers: nothing is missed and
 * nothing comes twice.
 *
 * <p>{@link #next} waits for a change. The iterator ends when the watch is closed, which another
 * thread may do; it throws {@link AsktellException.NotFoundException} when the study is deleted.
 */
public final class Watch implements Iterator<WatchStudyResponse>, AutoCloseable {
  private final Session session;
  private final String study;
  private final Backoff backoff = new Backoff();
  private final Context.CancellableContext context = Context.ROOT.withCancellation();
  private volatile String cursor;
  private Iterator<WatchStudyResponse> stream; // null = to be opened
  private boolean begun;

  Watch(Session session, String study, String cursor) {
    this.session = session;
    this.study = study;
    this.cursor = cursor;
  }

  /** Where to go on from: the cursor of the last change that {@link #next} returned. */
  public String cursor() {
    return cursor;
  }

  /** Waits for the next change; false when the watch has been closed. */
  @Override
  public boolean hasNext() {
    while (!context.isCancelled()) {
      try {
        if (open().hasNext()) {
          return true;
        }
        again(Duration.ZERO); // the server ended the stream
      } catch (StatusRuntimeException error) {
        if (context.isCancelled()) {
          return false;
        }
        AsktellException failure = AsktellException.of(Failure.of(error));
        boolean down =
            failure instanceof UnavailableException
                || error.getStatus().getCode() == Status.Code.CANCELLED;
        if (!down || session.isClosed() || Thread.currentThread().isInterrupted()) {
          throw session.calls.explained(error, failure);
        }
        again(failure.retryAfter().orElse(Duration.ZERO));
      }
    }
    return false;
  }

  private void again(Duration hint) {
    stream = null;
    Calls.sleep(backoff.next(hint));
  }

  private Iterator<WatchStudyResponse> open() {
    if (!begun) {
      // The first call has a deadline: a stream would wait for ever for a server that is not there.
      session.calls.unary(
          StudyServiceGrpc.getGetStudyMethod(),
          GetStudyRequest.newBuilder().setName(study).build());
      begun = true;
    }
    if (stream == null) {
      WatchStudyRequest request =
          WatchStudyRequest.newBuilder().setStudy(study).setCursor(cursor).build();
      context.run(
          () ->
              stream =
                  ClientCalls.blockingServerStreamingCall(
                      session.channel,
                      TrialServiceGrpc.getWatchStudyMethod(),
                      CallOptions.DEFAULT.withWaitForReady(),
                      request));
    }
    return stream;
  }

  @Override
  public WatchStudyResponse next() {
    if (!hasNext()) {
      throw new NoSuchElementException("the watch has been closed");
    }
    WatchStudyResponse answer = stream.next();
    backoff.reset();
    cursor = answer.getCursor();
    return answer;
  }

  /** Ends the watch; a {@link #next} that waits ends too. */
  @Override
  public void close() {
    context.cancel(null);
  }
}
