package io.asktell;

import com.google.protobuf.FieldMask;
import io.asktell.v1.AmendTrialRequest;
import io.asktell.v1.CancelTrialRequest;
import io.asktell.v1.DeleteTrialRequest;
import io.asktell.v1.GetTrialRequest;
import io.asktell.v1.ReleaseTrialRequest;
import io.asktell.v1.ReportRequest;
import io.asktell.v1.ReportResponse;
import io.asktell.v1.TellOutcome;
import io.asktell.v1.TellRequest;
import io.asktell.v1.TellResponse;
import io.asktell.v1.TrialServiceGrpc;
import io.asktell.v1.UpdateTrialRequest;
import java.lang.System.Logger.Level;
import java.lang.ref.Cleaner;
import java.util.Map;

/**
 * One configuration and what became of it. One that came from {@link Study#ask()} is open: it
 * heartbeats until it is told, released or closed, so an ask goes with try-with-resources.
 *
 * <p>Its methods may be called from several threads. Each may throw what any call may: {@link
 * UnavailableException}, {@link DeadlineExceededException}, {@link UnauthenticatedException},
 * {@link InternalException}.
 */
public final class Trial implements AutoCloseable {
  // A handle that nobody holds any more must not keep its trial from the other workers for ever.
  private static final Cleaner ABANDONED = Cleaner.create();

  private final Session session;
  private final Lease lease; // null unless this client asked for the trial
  private final String leaseId;
  private volatile TrialInfo info;
  private volatile boolean superseded;

  Trial(Session session, io.asktell.v1.Trial wire, Lease lease) {
    this.session = session;
    this.lease = lease;
    this.leaseId = wire.getLeaseId();
    this.info = TrialInfo.decode(wire);
    if (lease != null) {
      ABANDONED.register(this, lease::close);
    }
  }

  /** {@code "projects/{project}/studies/{study}/trials/{number}"}. */
  public String name() {
    return info.name();
  }

  /** Counts from 1 in its study. */
  public long number() {
    return info.number();
  }

  /** The configuration. */
  public Params params() {
    return info.params();
  }

  /** The trial as of the last call that answered with it; {@link #refresh} reads it anew. */
  public TrialInfo info() {
    return info;
  }

  /** Whether this client asked for the trial, and has neither told it nor given it back. */
  public boolean isOpen() {
    return lease != null && lease.isOpen();
  }

  /**
   * Whether the server wants the trial to end now, as of the last report or heartbeat: tell it with
   * {@link #stop}.
   */
  public boolean shouldStop() {
    return lease != null && lease.shouldStop();
  }

  /** Why it should stop, for people. */
  public String stopReason() {
    return lease == null ? "" : lease.stopReason();
  }

  /**
   * Whether the open trial's lease ran out or the trial was called off. A result that is told
   * nevertheless is still taken if it is the first.
   */
  public boolean leaseLost() {
    return lease != null && lease.isLost();
  }

  /**
   * Whether another attempt's result was there before the one told here, which is kept in the
   * trail.
   */
  public boolean superseded() {
    return superseded;
  }

  /**
   * Reports intermediate metrics at a step and renews the lease. Without metrics it is a heartbeat.
   *
   * @throws NotFiniteException for NaN and infinities
   * @throws UnknownMetricException for a metric that the study does not declare
   * @throws LimitExceededException when the trial has 10,000 measurements. A lost lease is no
   *     error: see the answer.
   */
  public Progress report(long step, Metrics metrics) {
    ReportRequest.Builder request =
        ReportRequest.newBuilder()
            .setName(name())
            .setLeaseId(leaseId)
            .setStep(step)
            .putAllMetrics(Wire.metrics(metrics));
    if (!metrics.isEmpty()) {
      request.setRequestId(Wire.requestId());
    }
    long sentAt = System.nanoTime();
    ReportResponse answer =
        session.calls.unary(TrialServiceGrpc.getReportMethod(), request.build());
    if (lease != null) {
      lease.heard(answer, sentAt);
    }
    return new Progress(answer.getShouldStop(), answer.getStopReason(), answer.getLeaseValid());
  }

  /**
   * Tells the result. Once it returns, the result is on the server's disk; telling it again is
   * harmless.
   *
   * @throws InvalidArgumentException {@link MissingObjectiveException}, {@link
   *     UnknownMetricException}, {@link NotFiniteException}: nothing was changed
   * @throws ResultConflictException when there is another result
   * @throws IllegalTransitionException when the trial was called off
   */
  public void tell(Metrics metrics) {
    tell(TellOutcome.TELL_OUTCOME_SUCCEEDED, metrics, "");
  }

  /**
   * Tells that the trial ended early, with its last known metrics; without any, the last report
   * counts.
   *
   * @param reason may be empty: then the server's counts, if it was the server that wanted the
   *     trial to stop
   */
  public void stop(Metrics metrics, String reason) {
    String said = reason.isEmpty() ? stopReason() : reason;
    tell(TellOutcome.TELL_OUTCOME_STOPPED, metrics, said);
  }

  /** Tells that the trial ended without a result: crashed, diverged. */
  public void fail(String reason) {
    fail(reason, Metrics.none());
  }

  /** Tells that the trial ended without a result, with tracked metrics. */
  public void fail(String reason, Metrics tracked) {
    tell(TellOutcome.TELL_OUTCOME_FAILED, tracked, reason);
  }

  /** Tells that the configuration cannot be run at all, for example does not fit in memory. */
  public void infeasible(String reason) {
    infeasible(reason, Metrics.none());
  }

  /** Tells that the configuration cannot be run at all, with tracked metrics. */
  public void infeasible(String reason, Metrics tracked) {
    tell(TellOutcome.TELL_OUTCOME_INFEASIBLE, tracked, reason);
  }

  private void tell(TellOutcome outcome, Metrics metrics, String reason) {
    TellRequest request =
        TellRequest.newBuilder()
            .setName(name())
            .setLeaseId(lease == null ? "" : leaseId)
            .setOutcome(outcome)
            .putAllMetrics(Wire.metrics(metrics))
            .setReason(Wire.shortened(reason))
            .setRequestId(Wire.requestId())
            .build();
    TellResponse answer = session.calls.unary(TrialServiceGrpc.getTellMethod(), request);
    end();
    superseded = answer.getSuperseded();
    info = TrialInfo.decode(answer.getTrial());
  }

  /**
   * Corrects the result of a trial that has ended; the former one stays in {@link
   * TrialInfo#amendments()}. The metrics replace all former ones.
   *
   * @throws IllegalTransitionException when it has no result yet
   * @throws LimitExceededException after 100 amendments
   */
  public void amend(Outcome outcome, Metrics metrics, String reason) {
    AmendTrialRequest request =
        AmendTrialRequest.newBuilder()
            .setName(name())
            .setOutcome(TellOutcome.valueOf("TELL_OUTCOME_" + outcome.name()))
            .putAllMetrics(Wire.metrics(metrics))
            .setReason(Wire.shortened(reason))
            .setRequestId(Wire.requestId())
            .build();
    take(session.calls.unary(TrialServiceGrpc.getAmendTrialMethod(), request));
  }

  /**
   * Gives the trial back at once: the next asker gets it, and this attempt does not count.
   *
   * @throws LeaseLostException when it is no longer this worker's
   * @throws IllegalTransitionException when it has ended
   */
  public void release() {
    ReleaseTrialRequest request =
        ReleaseTrialRequest.newBuilder()
            .setName(name())
            .setLeaseId(leaseId)
            .setRequestId(Wire.requestId())
            .build();
    take(session.calls.unary(TrialServiceGrpc.getReleaseTrialMethod(), request));
    end();
  }

  /**
   * Gives the trial back if it is still open. It takes a few seconds at most, and throws nothing:
   * when no server answers, the lease runs out by itself.
   */
  @Override
  public void close() {
    if (!isOpen()) {
      return;
    }
    try {
      lease.release();
    } catch (AsktellException failure) {
      Session.LOGGER.log(
          Level.WARNING, "{0} was not given back: {1}", name(), failure.getMessage());
    } finally {
      end();
    }
  }

  /**
   * Calls a queued or running trial off; its worker is told to stop.
   *
   * @throws IllegalTransitionException when it has ended
   */
  public void cancel(String reason) {
    CancelTrialRequest request =
        CancelTrialRequest.newBuilder()
            .setName(name())
            .setReason(Wire.shortened(reason))
            .setRequestId(Wire.requestId())
            .build();
    take(session.calls.unary(TrialServiceGrpc.getCancelTrialMethod(), request));
    end();
  }

  /** Sets labels; others stay. */
  public void label(Map<String, String> labels) {
    set("labels", io.asktell.v1.Trial.newBuilder().putAllLabels(labels), labels);
  }

  /** Sets annotations; others stay. */
  public void annotate(Map<String, String> annotations) {
    set(
        "annotations",
        io.asktell.v1.Trial.newBuilder().putAllAnnotations(annotations),
        annotations);
  }

  private void set(String field, io.asktell.v1.Trial.Builder wire, Map<String, String> values) {
    FieldMask.Builder mask = FieldMask.newBuilder();
    values.keySet().forEach(key -> mask.addPaths(field + "." + key));
    UpdateTrialRequest request =
        UpdateTrialRequest.newBuilder()
            .setTrial(wire.setName(name()))
            .setUpdateMask(mask)
            .setRequestId(Wire.requestId())
            .build();
    take(session.calls.unary(TrialServiceGrpc.getUpdateTrialMethod(), request));
  }

  /** Reads the trial anew, with its measurements. */
  public void refresh() {
    GetTrialRequest request = GetTrialRequest.newBuilder().setName(name()).build();
    take(session.calls.unary(TrialServiceGrpc.getGetTrialMethod(), request));
  }

  /**
   * Removes the trial.
   *
   * @throws IllegalTransitionException when it is running: cancel it first
   */
  public void delete() {
    DeleteTrialRequest request =
        DeleteTrialRequest.newBuilder().setName(name()).setRequestId(Wire.requestId()).build();
    session.calls.unary(TrialServiceGrpc.getDeleteTrialMethod(), request);
  }

  private void take(io.asktell.v1.Trial wire) {
    info = TrialInfo.decode(wire);
  }

  private void end() {
    if (lease != null) {
      lease.close();
    }
  }

  @Override
  public String toString() {
    return name() + " " + info.state();
  }
}
