package io.asktell;

import com.google.protobuf.FieldMask;
import io.asktell.v1.AskRequest;
import io.asktell.v1.AskResponse;
import io.asktell.v1.DeleteStudyRequest;
import io.asktell.v1.EnqueueTrialsRequest;
import io.asktell.v1.GetStudyRequest;
import io.asktell.v1.GetTrialRequest;
import io.asktell.v1.ImportTrialsRequest;
import io.asktell.v1.ImportTrialsResponse;
import io.asktell.v1.ListBestTrialsRequest;
import io.asktell.v1.ListBestTrialsResponse;
import io.asktell.v1.ListTrialsRequest;
import io.asktell.v1.ListTrialsResponse;
import io.asktell.v1.StudyServiceGrpc;
import io.asktell.v1.TrialServiceGrpc;
import io.asktell.v1.UpdateStudyRequest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The unit of tuning: one search space, and what to optimise in it. Its methods may be called from
 * several threads.
 *
 * <p>Each may throw what any call may: {@link UnavailableException}, {@link
 * DeadlineExceededException}, {@link StudyNotFoundException}, {@link UnauthenticatedException},
 * {@link InternalException}.
 */
public final class Study {
  private final Session session;
  private volatile StudyInfo info;

  Study(Session session, io.asktell.v1.Study wire) {
    this.session = session;
    this.info = StudyInfo.decode(wire);
  }

  /** {@code "projects/{project}/studies/{study}"}. */
  public String name() {
    return info.name();
  }

  /** The last part of the name. */
  public String id() {
    return name().substring(name().lastIndexOf('/') + 1);
  }

  /** The study as of the last call that answered with it; {@link #refresh} reads it anew. */
  public StudyInfo info() {
    return info;
  }

  /** Reads the study anew. */
  public void refresh() {
    GetStudyRequest request = GetStudyRequest.newBuilder().setName(name()).build();
    take(session.calls.unary(StudyServiceGrpc.getGetStudyMethod(), request));
  }

  /**
   * Asks for a trial to run; its lease renews itself until the trial is told, released or closed.
   * When nothing can be handed out now, it waits.
   *
   * @throws StudyCompleteException when there is nothing more to do
   * @throws StudyPausedException until somebody resumes the study
   * @throws QueueEmptyException when the study is searched by hand and nothing is enqueued
   */
  public Trial ask() {
    return ask(AskOptions.defaults());
  }

  /**
   * Asks for a trial to run.
   *
   * @throws StudyCompleteException when there is nothing more to do
   * @throws NoTrialAvailableException when the wait would end before there could be a trial
   */
  public Trial ask(AskOptions options) {
    return askMany(1, options).get(0);
  }

  /**
   * Asks for several trials; fewer, but at least one, come back when the study cannot give more
   * now.
   */
  public List<Trial> askMany(int count) {
    return askMany(count, AskOptions.defaults());
  }

  /** Asks for several trials, as {@link #ask(AskOptions)} does for one. */
  public List<Trial> askMany(int count, AskOptions options) {
    long begun = System.nanoTime();
    while (true) {
      AskRequest request =
          AskRequest.newBuilder()
              .setStudy(name())
              .setCount(count)
              .setWorkerId(
                  options.workerId() != null ? options.workerId() : session.settings.workerId())
              .setRequestId(Wire.requestId())
              .build();
      long sentAt = System.nanoTime();
      try {
        AskResponse answer = session.calls.unary(TrialServiceGrpc.getAskMethod(), request);
        if (answer.getTrialsCount() == 0) {
          throw new InternalException(
              Failure.of("the server answered an ask without a trial", "INTERNAL", null));
        }
        return answer.getTrialsList().stream().map(wire -> held(wire, sentAt)).toList();
      } catch (NoTrialAvailableException | OverloadedException later) {
        Duration delay = Backoff.jitter(later.retryAfter().orElse(Duration.ofSeconds(1)), 1.0, 1.2);
        Duration waited = Duration.ofNanos(System.nanoTime() - begun);
        if (options.limit() != null && waited.plus(delay).compareTo(options.limit()) > 0) {
          throw later;
        }
        Calls.sleep(delay);
      }
    }
  }

  private Trial held(io.asktell.v1.Trial wire, long sentAt) {
    Lease lease = new Lease(session, wire, sentAt);
    Trial trial = new Trial(session, wire, lease);
    session.hold(lease);
    return trial;
  }

  /**
   * Reads one trial with its measurements.
   *
   * @throws TrialNotFoundException when there is none of that number
   */
  public Trial trial(long number) {
    GetTrialRequest request =
        GetTrialRequest.newBuilder().setName(name() + "/trials/" + number).build();
    return handle(session.calls.unary(TrialServiceGrpc.getGetTrialMethod(), request));
  }

  /** All trials by number, without measurements; pages are fetched as the reader gets there. */
  public Stream<Trial> trials() {
    return trials(TrialFilter.all());
  }

  /** The trials that the filter takes, by number. */
  public Stream<Trial> trials(TrialFilter filter) {
    ListTrialsRequest.Builder request =
        ListTrialsRequest.newBuilder()
            .setParent(name())
            .setPageSize(Pages.SIZE)
            .setFilter(filter.encode());
    return Pages.stream(
        token -> {
          ListTrialsResponse page =
              session.calls.unary(
                  TrialServiceGrpc.getListTrialsMethod(), request.setPageToken(token).build());
          return new Pages.Page<>(handles(page.getTrialsList()), page.getNextPageToken());
        });
  }

  /** The best trial so far; empty while there is no result. */
  public Optional<Trial> best() {
    return best(1).stream().findFirst();
  }

  /** The best trials, best first: at most so many. */
  public List<Trial> best(int count) {
    ListBestTrialsRequest request =
        ListBestTrialsRequest.newBuilder().setParent(name()).setCount(count).build();
    return handles(
        session.calls.unary(TrialServiceGrpc.getListBestTrialsMethod(), request).getTrialsList());
  }

  /**
   * The best trial when noise is taken off: where results differ from run to run, the one with the
   * best value may have been lucky. Empty where results are not noisy, and while the server is too
   * busy for a model.
   */
  public Optional<BestByModel> bestByModel() {
    ListBestTrialsRequest request =
        ListBestTrialsRequest.newBuilder().setParent(name()).setByModel(true).build();
    ListBestTrialsResponse answer =
        session.calls.unary(TrialServiceGrpc.getListBestTrialsMethod(), request);
    if (!answer.hasBestByModel()) {
      return Optional.empty();
    }
    io.asktell.v1.BestByModel best = answer.getBestByModel();
    return Optional.of(
        new BestByModel(
            handle(best.getTrial()), best.getMean(), best.getStandardDeviation(), best.getNoise()));
  }

  /**
   * Queues configurations of one's own; they are handed out before the algorithm's.
   *
   * @throws ValueOutsideSpaceException for a value that its parameter does not have
   * @throws StudyCompleteException when the study hands out no more trials
   */
  public List<Trial> enqueue(QueuedTrial... trials) {
    return enqueue(List.of(trials));
  }

  /** Queues configurations of one's own. */
  public List<Trial> enqueue(List<QueuedTrial> trials) {
    EnqueueTrialsRequest request =
        EnqueueTrialsRequest.newBuilder()
            .setStudy(name())
            .addAllTrials(trials.stream().map(QueuedTrial::encode).toList())
            .setRequestId(Wire.requestId())
            .build();
    return handles(
        session.calls.unary(TrialServiceGrpc.getEnqueueTrialsMethod(), request).getTrialsList());
  }

  /** Brings in past results. */
  public ImportResult importTrials(List<ImportedTrial> trials) {
    ImportTrialsRequest request =
        ImportTrialsRequest.newBuilder()
            .setStudy(name())
            .addAllTrials(trials.stream().map(ImportedTrial::encode).toList())
            .setRequestId(Wire.requestId())
            .build();
    ImportTrialsResponse answer =
        session.calls.unary(TrialServiceGrpc.getImportTrialsMethod(), request);
    return new ImportResult(handles(answer.getTrialsList()), answer.getImportedCount());
  }

  /** Makes the study hand out no trials until it is resumed; results are still taken. */
  public void pause() {
    set(io.asktell.v1.StudyState.STUDY_STATE_PAUSED);
  }

  /** Makes the study hand out trials again. */
  public void resume() {
    set(io.asktell.v1.StudyState.STUDY_STATE_ACTIVE);
  }

  /** Makes the study hand out no more trials; results of running ones are still taken. */
  public void finish() {
    set(io.asktell.v1.StudyState.STUDY_STATE_FINISHED);
  }

  private void set(io.asktell.v1.StudyState state) {
    UpdateStudyRequest request =
        UpdateStudyRequest.newBuilder()
            .setStudy(io.asktell.v1.Study.newBuilder().setName(name()).setState(state))
            .setUpdateMask(FieldMask.newBuilder().addPaths("state"))
            .setRequestId(Wire.requestId())
            .build();
    take(session.calls.unary(StudyServiceGrpc.getUpdateStudyMethod(), request));
  }

  /**
   * Changes rules, limits, labels and annotations.
   *
   * @throws EtagMismatchException when the update names an etag that the study no longer has
   */
  public void update(StudyUpdate changes) {
    take(session.calls.unary(StudyServiceGrpc.getUpdateStudyMethod(), changes.encode(name())));
  }

  /** Deletes the study with all its trials; this cannot be undone. */
  public void delete() {
    delete("");
  }

  /**
   * Deletes the study if it still has this etag.
   *
   * @throws EtagMismatchException when it has another
   */
  public void delete(String ifEtag) {
    DeleteStudyRequest request =
        DeleteStudyRequest.newBuilder()
            .setName(name())
            .setEtag(ifEtag)
            .setRequestId(Wire.requestId())
            .build();
    session.calls.unary(StudyServiceGrpc.getDeleteStudyMethod(), request);
  }

  /** The study's changes from its beginning on. Close the watch when done. */
  public Watch watch() {
    return watch("");
  }

  /**
   * The study's changes after a cursor.
   *
   * @param cursor of the last change seen, or {@link StudyInfo#cursor()} for what comes after that
   *     reading
   */
  public Watch watch(String cursor) {
    return new Watch(session, name(), cursor);
  }

  private void take(io.asktell.v1.Study wire) {
    info = StudyInfo.decode(wire);
  }

  private Trial handle(io.asktell.v1.Trial wire) {
    return new Trial(session, wire, null);
  }

  private List<Trial> handles(List<io.asktell.v1.Trial> wires) {
    return wires.stream().map(this::handle).toList();
  }

  @Override
  public String toString() {
    return name() + " " + info.state();
  }
}
