package io.asktell;

import com.google.protobuf.FieldMask;
import io.asktell.AsktellException.NoTrialAvailableException;
import io.asktell.AsktellException.OverloadedException;
import io.asktell.AsktellException.StudyCompleteException;
import io.asktell.v1.AskRequest;
import io.asktell.v1.AskResponse;
import io.asktell.v1.BestByModel;
import io.asktell.v1.DeleteStudyRequest;
import io.asktell.v1.EnqueueTrialsRequest;
import io.asktell.v1.EnqueuedTrial;
import io.asktell.v1.GetStudyRequest;
import io.asktell.v1.GetTrialRequest;
import io.asktell.v1.ImportTrialsRequest;
import io.asktell.v1.ImportTrialsResponse;
import io.asktell.v1.ImportedTrial;
import io.asktell.v1.ListBestTrialsRequest;
import io.asktell.v1.ListBestTrialsResponse;
import io.asktell.v1.ListTrialsRequest;
import io.asktell.v1.ListTrialsResponse;
import io.asktell.v1.StudyServiceGrpc;
import io.asktell.v1.StudyState;
import io.asktell.v1.TrialFilter;
import io.asktell.v1.TrialServiceGrpc;
import io.asktell.v1.TrialState;
import io.asktell.v1.UpdateStudyRequest;
import io.grpc.Status;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * The unit of tuning: one search space, and what to optimise in it. Its methods may be called from
 * several threads, and may throw what any call may, see {@link AsktellException}.
 *
 * <p>Methods that take a request message fill in its study and, where it is empty, its request id.
 */
public final class Study {
  /** A wait without an end. */
  public static final Duration FOREVER = ChronoUnit.FOREVER.getDuration();

  private final Session session;
  private volatile io.asktell.v1.Study info;
  // As of the last ListBestTrials; null where that has no single feasible one.
  private volatile io.asktell.v1.Trial best;

  Study(Session session, io.asktell.v1.Study info) {
    this.session = session;
    this.info = info;
  }

  /** {@code "projects/{project}/studies/{study}"}. */
  public String name() {
    return info.getName();
  }

  /** The last part of the name. */
  public String id() {
    return name().substring(name().lastIndexOf('/') + 1);
  }

  /** The study as of the last call that answered with it; {@link #refresh} reads it anew. */
  public io.asktell.v1.Study info() {
    return info;
  }

  /** Reads the study anew. */
  public void refresh() {
    GetStudyRequest request = GetStudyRequest.newBuilder().setName(name()).build();
    info = session.calls.unary(StudyServiceGrpc.getGetStudyMethod(), request);
  }

  /**
   * Asks for a trial to run; its lease renews itself until the trial is told, released or closed.
   * When nothing can be handed out now, it waits.
   *
   * @throws AsktellException.StudyCompleteException when there is nothing more to do; {@link #info}
   *     is read anew
   * @throws AsktellException.StudyPausedException until somebody resumes the study
   * @throws AsktellException.QueueEmptyException when the study is searched by hand and nothing is
   *     enqueued
   */
  public Trial ask() {
    return ask(FOREVER);
  }

  /**
   * Asks for a trial to run.
   *
   * @param wait how long to wait for a trial to become available; the calls themselves may take
   *     longer
   * @throws AsktellException.NoTrialAvailableException when the wait would end before there could
   *     be a trial
   */
  public Trial ask(Duration wait) {
    return ask(AskRequest.getDefaultInstance(), wait);
  }

  /**
   * Asks for a trial whose configuration has these values, for example one that fits a small GPU;
   * context parameters are stated so.
   *
   * @param fixed values by parameter, as {@link Params#of} takes them
   * @throws AsktellException.FixedExhaustedException when nothing is left with the values
   * @throws AsktellException.InvalidArgumentException for a value that its parameter does not have
   */
  public Trial ask(Map<String, ?> fixed) {
    return ask(
        AskRequest.newBuilder().putAllFixedParameters(Params.of(fixed).values()).build(), FOREVER);
  }

  /** Asks for a trial to run, with any field of the request but its count. */
  public Trial ask(AskRequest request, Duration wait) {
    return askMany(request.toBuilder().setCount(1).build(), wait).trials().get(0);
  }

  /**
   * Asks for several trials; fewer, but at least one, come back when the study cannot give more
   * now.
   */
  public List<Trial> askMany(int count) {
    return askMany(AskRequest.newBuilder().setCount(count).build(), FOREVER).trials();
  }

  /** Asks for several trials, with any field of the request, and for at most the given wait. */
  public Answer<AskResponse> askMany(AskRequest request, Duration wait) {
    AskRequest.Builder wanted = request.toBuilder().setStudy(name());
    if (wanted.getWorkerId().isEmpty()) {
      wanted.setWorkerId(session.settings.workerId());
    }
    long begun = System.nanoTime();
    while (true) {
      long sentAt = System.nanoTime();
      try {
        AskResponse answer = session.calls.unary(TrialServiceGrpc.getAskMethod(), wanted.build());
        if (answer.getTrialsCount() == 0) {
          throw AsktellException.of(
              Failure.of("the server answered an ask without a trial", Status.Code.INTERNAL, null));
        }
        return new Answer<>(
            answer.getTrialsList().stream().map(trial -> leased(trial, sentAt)).toList(), answer);
      } catch (StudyCompleteException complete) {
        refreshQuietly(); // what is printed after the last trial is true
        throw complete;
      } catch (NoTrialAvailableException | OverloadedException busy) {
        Duration delay = Backoff.jitter(busy.retryAfter().orElse(Duration.ofSeconds(1)), 1.0, 1.2);
        Duration waited = Duration.ofNanos(System.nanoTime() - begun);
        if (waited.plus(delay).compareTo(wait) > 0) {
          throw busy;
        }
        Calls.sleep(delay);
      }
    }
  }

  private void refreshQuietly() {
    try {
      refresh();
    } catch (AsktellException failure) {
      Session.LOGGER.log(Level.DEBUG, "the complete study could not be read anew", failure);
    }
  }

  private Trial leased(io.asktell.v1.Trial trial, long sentAt) {
    Lease lease = new Lease(session, trial, sentAt);
    Trial handle = new Trial(session, trial, lease);
    session.keepAlive(lease);
    return handle;
  }

  /**
   * Reads one trial with its measurements.
   *
   * @throws AsktellException.NotFoundException when there is none of that number
   */
  public Trial trial(long number) {
    GetTrialRequest request =
        GetTrialRequest.newBuilder().setName(name() + "/trials/" + number).build();
    return handle(session.calls.unary(TrialServiceGrpc.getGetTrialMethod(), request));
  }

  /**
   * The trials in any of the states, or all where none is given, by number and without
   * measurements; pages are fetched as the reader gets there.
   */
  public Stream<Trial> trials(TrialState... states) {
    return trials(TrialFilter.newBuilder().addAllStates(List.of(states)).build());
  }

  /** The trials that the filter takes, by number. */
  public Stream<Trial> trials(TrialFilter filter) {
    ListTrialsRequest.Builder request =
        ListTrialsRequest.newBuilder().setParent(name()).setPageSize(Pages.SIZE).setFilter(filter);
    return Pages.stream(
        token -> {
          ListTrialsResponse page =
              session.calls.unary(
                  TrialServiceGrpc.getListTrialsMethod(), request.setPageToken(token).build());
          return new Pages.Page<>(handles(page.getTrialsList()), page.getNextPageToken());
        });
  }

  /**
   * The best trial so far; empty while there is no result, or none that keeps the outcome
   * constraints.
   *
   * @throws IllegalStateException the study has several objectives and no single best trial; see
   *     {@link #paretoFront}
   */
  public Optional<Trial> best() {
    if (info().getObjectivesCount() > 1) {
      throw new IllegalStateException(
          name() + " has several objectives and no single best trial: see paretoFront()");
    }
    return paretoFront().stream().findFirst();
  }

  /**
   * The feasible trials that no other one betters in all objectives, in the order of the first
   * objective.
   */
  public List<Trial> paretoFront() {
    Answer<ListBestTrialsResponse> answer = best(ListBestTrialsRequest.getDefaultInstance());
    return answer.message().getInfeasible() ? List.of() : answer.trials();
  }

  /**
   * What the Pareto front dominates, up to the objectives' references; empty with one objective,
   * and while no trial is feasible.
   */
  public OptionalDouble hypervolume() {
    ListBestTrialsResponse answer = best(ListBestTrialsRequest.getDefaultInstance()).message();
    return answer.hasHypervolume()
        ? OptionalDouble.of(answer.getHypervolume())
        : OptionalDouble.empty();
  }

  /**
   * The best trials, best first: at most this many. With several objectives: the whole Pareto
   * front. Where no trial keeps the outcome constraints: those that miss them least, with a
   * violation above 0.
   */
  public List<Trial> best(int count) {
    return best(ListBestTrialsRequest.newBuilder().setCount(count).build()).trials();
  }

  /**
   * The best trial when noise is taken off: where results differ from run to run, the one with the
   * best value may have been lucky. Empty where results are not noisy, and while the server is too
   * busy for a model.
   */
  public Optional<BestByModel> bestByModel() {
    ListBestTrialsResponse answer =
        best(ListBestTrialsRequest.newBuilder().setByModel(true).build()).message();
    return answer.hasBestByModel() ? Optional.of(answer.getBestByModel()) : Optional.empty();
  }

  /** The best trials, with any field of the request. */
  public Answer<ListBestTrialsResponse> best(ListBestTrialsRequest request) {
    ListBestTrialsResponse answer =
        session.calls.unary(
            TrialServiceGrpc.getListBestTrialsMethod(),
            request.toBuilder().setParent(name()).build());
    boolean isSingle = info().getObjectivesCount() == 1;
    best =
        isSingle && !answer.getInfeasible() && answer.getTrialsCount() > 0
            ? answer.getTrials(0)
            : null;
    return new Answer<>(handles(answer.getTrialsList()), answer);
  }

  /**
   * Queues a configuration of one's own; it is handed out before the algorithm's.
   *
   * @param params values by parameter, as {@link Params#of} takes them; parameters with a default
   *     may be left out
   * @throws AsktellException.InvalidArgumentException for a value that its parameter does not have
   * @throws AsktellException.StudyCompleteException when the study hands out no more trials
   */
  public Trial enqueue(Map<String, ?> params) {
    return enqueue(
            List.of(
                EnqueuedTrial.newBuilder().putAllParameters(Params.of(params).values()).build()))
        .get(0);
  }

  /** Queues several configurations, with labels and annotations. */
  public List<Trial> enqueue(List<EnqueuedTrial> trials) {
    EnqueueTrialsRequest request =
        EnqueueTrialsRequest.newBuilder().setStudy(name()).addAllTrials(trials).build();
    return handles(
        session.calls.unary(TrialServiceGrpc.getEnqueueTrialsMethod(), request).getTrialsList());
  }

  /** Imports past results; those whose key the study has already stay as they are. */
  public Answer<ImportTrialsResponse> importTrials(List<ImportedTrial> trials) {
    ImportTrialsRequest request =
        ImportTrialsRequest.newBuilder().setStudy(name()).addAllTrials(trials).build();
    ImportTrialsResponse answer =
        session.calls.unary(TrialServiceGrpc.getImportTrialsMethod(), request);
    return new Answer<>(handles(answer.getTrialsList()), answer);
  }

  /** Makes the study hand out no trials until it is resumed; results are still taken. */
  public void pause() {
    set(StudyState.STUDY_STATE_PAUSED);
  }

  /**
   * Makes the study hand out trials again. One that a stopping rule has finished goes on with other
   * rules, by {@link #update}.
   *
   * @throws AsktellException.StudyCompleteException when there is nothing more to do
   */
  public void resume() {
    set(StudyState.STUDY_STATE_ACTIVE);
  }

  /** Makes the study hand out no more trials; results of running ones are still taken. */
  public void finish() {
    set(StudyState.STUDY_STATE_FINISHED);
  }

  private void set(StudyState state) {
    update(io.asktell.v1.Study.newBuilder().setState(state).build(), "state");
  }

  /**
   * Changes rules, limits, labels and annotations.
   *
   * @param changes the new values; an etag in it must still be the study's
   * @param paths the fields to change, such as {@code "stopping_rules.max_trials"}; those that
   *     {@code changes} leaves unset are cleared
   * @throws AsktellException.EtagMismatchException when the study no longer has the etag
   */
  public void update(io.asktell.v1.Study changes, String... paths) {
    UpdateStudyRequest request =
        UpdateStudyRequest.newBuilder()
            .setStudy(changes.toBuilder().setName(name()))
            .setUpdateMask(FieldMask.newBuilder().addAllPaths(List.of(paths)))
            .build();
    info = session.calls.unary(StudyServiceGrpc.getUpdateStudyMethod(), request);
  }

  /** Deletes the study with all its trials; this cannot be undone. */
  public void delete() {
    delete("");
  }

  /**
   * Deletes the study if it still has this etag.
   *
   * @throws AsktellException.EtagMismatchException when it has another
   */
  public void delete(String etag) {
    DeleteStudyRequest request =
        DeleteStudyRequest.newBuilder().setName(name()).setEtag(etag).build();
    session.calls.unary(StudyServiceGrpc.getDeleteStudyMethod(), request);
  }

  /** What a model of the study's results believes. */
  public Analysis analysis() {
    return new Analysis(session, name());
  }

  /** The study's changes from its beginning on. Close the watch when done. */
  public Watch watch() {
    return watch("");
  }

  /**
   * The study's changes after a cursor.
   *
   * @param cursor of the last change seen, or of {@link #info()} for what comes after that reading
   */
  public Watch watch(String cursor) {
    return new Watch(session, name(), cursor);
  }

  private Trial handle(io.asktell.v1.Trial trial) {
    return new Trial(session, trial, null);
  }

  private List<Trial> handles(List<io.asktell.v1.Trial> trials) {
    return trials.stream().map(this::handle).toList();
  }

  /**
   * Name, state, how many trials have ended, the budget and, where there is a single one that keeps
   * the outcome constraints, the best trial; each as of the last call that answered with it.
   */
  @Override
  public String toString() {
    return Show.study(info, best);
  }
}
