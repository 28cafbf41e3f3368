package io.asktell;

import com.google.protobuf.FieldMask;
import io.asktell.v1.AmendTrialRequest;
import io.asktell.v1.CancelTrialRequest;
import io.asktell.v1.DeleteTrialRequest;
import io.asktell.v1.GetTrialRequest;
import io.asktell.v1.Metric;
import io.asktell.v1.ReleaseTrialRequest;
import io.asktell.v1.ReportRequest;
import io.asktell.v1.ReportResponse;
import io.asktell.v1.TellOutcome;
import io.asktell.v1.TellRequest;
import io.asktell.v1.TellResponse;
import io.asktell.v1.TrialServiceGrpc;
import io.asktell.v1.UpdateTrialRequest;
import java.lang.ref.Cleaner;
import java.util.List;
import java.util.Map;

/**
 * One configuration and what became of it. One that came from {@link Study#ask()} is open: it
 * heartbeats until it is told, released or closed, so an ask goes with try-with-resources.
 *
 * <p>Its methods may be called from several threads, and may throw what any call may, see {@link
 * AsktellException}.
 *
 * <p>{@link Metrics} makes the metrics. Methods that take a request message fill in the trial's
 * name and, where they are empty, the lease and the request id.
 */
public final class Trial implements AutoCloseable {
  private static final int LONGEST_REASON = 4096; // characters

  // A trial whose handle is unreachable must go to another worker some day: its heartbeats end.
  private static final Cleaner ABANDONED = Cleaner.create();

  private final Session session;
  private final Lease lease; // null unless this client asked for the trial
  private final String leaseId;
  private volatile io.asktell.v1.Trial info;
  private volatile boolean superseded;

  Trial(Session session, io.asktell.v1.Trial info, Lease lease) {
    this.session = session;
    this.lease = lease;
    this.leaseId = info.getLeaseId();
    this.info = info;
    if (lease != null) {
      ABANDONED.register(this, lease::close);
    }
  }

  /** {@code "projects/{project}/studies/{study}/trials/{number}"}. */
  public String name() {
    return info.getName();
  }

  /** Counts from 1 in its study. */
  public long number() {
    return info.getNumber();
  }

  /** The configuration, with its derived parameters. */
  public Params params() {
    return Params.of(info);
  }

  /** The trial as of the last call that answered with it; {@link #refresh} reads it anew. */
  public io.asktell.v1.Trial info() {
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
   * A lost lease is no error: see the answer.
   *
   * @throws AsktellException.InvalidArgumentException for NaN and infinities, and for a metric that
   *     the study does not declare
   * @throws AsktellException.LimitExceededException when the trial has 10,000 measurements
   */
  public ReportResponse report(long step, Map<String, Metric> metrics) {
    return report(ReportRequest.newBuilder().setStep(step).putAllMetrics(metrics).build());
  }

  /** Reports with any field of the request. */
  public ReportResponse report(ReportRequest request) {
    ReportRequest.Builder report = request.toBuilder().setName(name());
    if (report.getLeaseId().isEmpty()) {
      report.setLeaseId(leaseId);
    }
    long sentAt = System.nanoTime();
    ReportResponse answer = session.calls.unary(TrialServiceGrpc.getReportMethod(), report.build());
    if (lease != null) {
      lease.heard(answer, sentAt);
    }
    return answer;
  }

  /**
   * Tells the result. Once it returns, the result is on the server's disk; telling it again is
   * harmless.
   *
   * @throws AsktellException.InvalidArgumentException for metrics that are not finite or not of the
   *     study, and without the objective: nothing was changed
   * @throws AsktellException.ResultConflictException when there is another result
   * @throws AsktellException.IllegalTransitionException when the trial was called off
   */
  public void tell(Map<String, Metric> metrics) {
    tell(TellOutcome.TELL_OUTCOME_SUCCEEDED, metrics, "");
  }

  /**
   * Tells that the trial ended early, with its last known metrics; without any, the last report
   * counts.
   *
   * @param reason may be empty: then the server's counts, if it was the server that wanted the
   *     trial to stop
   */
  public void stop(Map<String, Metric> metrics, String reason) {
    tell(TellOutcome.TELL_OUTCOME_STOPPED, metrics, reason.isEmpty() ? stopReason() : reason);
  }

  /** Tells that the trial ended without a result: crashed, diverged. */
  public void fail(String reason) {
    tell(TellOutcome.TELL_OUTCOME_FAILED, Metrics.none(), reason);
  }

  /** Tells that the configuration cannot be run at all, for example does not fit in memory. */
  public void infeasible(String reason) {
    tell(TellOutcome.TELL_OUTCOME_INFEASIBLE, Metrics.none(), reason);
  }

  /** Tells how the trial ended; without a result there may still be tracked metrics. */
  public void tell(TellOutcome outcome, Map<String, Metric> metrics, String reason) {
    tell(
        TellRequest.newBuilder()
            .setOutcome(outcome)
            .putAllMetrics(metrics)
            .setReason(reason)
            .build());
  }

  /** Tells with any field of the request. */
  public TellResponse tell(TellRequest request) {
    TellRequest.Builder result =
        request.toBuilder().setName(name()).setReason(shortened(request.getReason()));
    if (result.getLeaseId().isEmpty() && lease != null) {
      result.setLeaseId(leaseId);
    }
    TellResponse answer = session.calls.unary(TrialServiceGrpc.getTellMethod(), result.build());
    end();
    superseded = answer.getSuperseded();
    info = answer.getTrial();
    return answer;
  }

  /**
   * Corrects the result of a trial that has ended; the former one stays in the amendments of {@link
   * #info()}. The metrics replace all former ones.
   *
   * @throws AsktellException.IllegalTransitionException when it has no result yet
   * @throws AsktellException.LimitExceededException after 100 amendments
   */
  public void amend(TellOutcome outcome, Map<String, Metric> metrics, String reason) {
    AmendTrialRequest request =
        AmendTrialRequest.newBuilder()
            .setName(name())
            .setOutcome(outcome)
            .putAllMetrics(metrics)
            .setReason(shortened(reason))
            .build();
    info = session.calls.unary(TrialServiceGrpc.getAmendTrialMethod(), request);
  }

  /**
   * Gives the trial back at once: the next asker gets it, and this attempt does not count.
   *
   * @throws AsktellException.LeaseLostException when it is no longer this worker's
   * @throws AsktellException.IllegalTransitionException when it has ended
   */
  public void release() {
    ReleaseTrialRequest request =
        ReleaseTrialRequest.newBuilder().setName(name()).setLeaseId(leaseId).build();
    info = session.calls.unary(TrialServiceGrpc.getReleaseTrialMethod(), request);
    end();
  }

  /**
   * Gives the trial back if it is still open. It takes a few seconds at most, and throws nothing:
   * when no server answers, the lease runs out by itself.
   */
  @Override
  public void close() {
    if (isOpen()) {
      lease.giveBack();
      end();
    }
  }

  /**
   * Calls a queued or running trial off; its worker is told to stop.
   *
   * @throws AsktellException.IllegalTransitionException when it has ended
   */
  public void cancel(String reason) {
    CancelTrialRequest request =
        CancelTrialRequest.newBuilder().setName(name()).setReason(shortened(reason)).build();
    info = session.calls.unary(TrialServiceGrpc.getCancelTrialMethod(), request);
    end();
  }

  /** Sets labels; others stay. */
  public void label(Map<String, String> labels) {
    update(io.asktell.v1.Trial.newBuilder().putAllLabels(labels).build(), paths("labels", labels));
  }

  /** Sets annotations; others stay. */
  public void annotate(Map<String, String> annotations) {
    update(
        io.asktell.v1.Trial.newBuilder().putAllAnnotations(annotations).build(),
        paths("annotations", annotations));
  }

  private static String[] paths(String field, Map<String, String> values) {
    return values.keySet().stream().map(key -> field + "." + key).toArray(String[]::new);
  }

  /**
   * Changes labels and annotations.
   *
   * @param changes the new values
   * @param paths the fields to change, such as {@code "labels"} or {@code "labels.host"}; those
   *     that {@code changes} leaves unset are cleared
   */
  public void update(io.asktell.v1.Trial changes, String... paths) {
    UpdateTrialRequest request =
        UpdateTrialRequest.newBuilder()
            .setTrial(changes.toBuilder().setName(name()))
            .setUpdateMask(FieldMask.newBuilder().addAllPaths(List.of(paths)))
            .build();
    info = session.calls.unary(TrialServiceGrpc.getUpdateTrialMethod(), request);
  }

  /** Reads the trial anew, with its measurements. */
  public void refresh() {
    GetTrialRequest request = GetTrialRequest.newBuilder().setName(name()).build();
    info = session.calls.unary(TrialServiceGrpc.getGetTrialMethod(), request);
  }

  /**
   * Removes the trial.
   *
   * @throws AsktellException.IllegalTransitionException when it is running: cancel it first
   */
  public void delete() {
    DeleteTrialRequest request = DeleteTrialRequest.newBuilder().setName(name()).build();
    session.calls.unary(TrialServiceGrpc.getDeleteTrialMethod(), request);
  }

  private void end() {
    if (lease != null) {
      lease.close();
    }
  }

  /** Keeps a long error text from being refused together with the result. */
  static String shortened(String reason) {
    if (reason.codePointCount(0, reason.length()) <= LONGEST_REASON) {
      return reason;
    }
    return reason.substring(0, reason.offsetByCodePoints(0, LONGEST_REASON - 1)) + "…";
  }

  /** Name, state, configuration and metrics, as of the last call that answered with the trial. */
  @Override
  public String toString() {
    return Show.trial(info);
  }
}
