package io.asktell.conformance;

import static io.asktell.conformance.Results.done;
import static io.asktell.conformance.Results.trials;

import io.asktell.Analysis;
import io.asktell.AsktellException;
import io.asktell.Client;
import io.asktell.Study;
import io.asktell.StudyBuilder;
import io.asktell.StudyFile;
import io.asktell.Trial;
import io.asktell.Watch;
import io.asktell.conformance.v1.Action;
import io.asktell.conformance.v1.Analyse;
import io.asktell.conformance.v1.Ask;
import io.asktell.conformance.v1.CreateClient;
import io.asktell.conformance.v1.CreateStudy;
import io.asktell.conformance.v1.NextChanges;
import io.asktell.conformance.v1.Result;
import io.asktell.conformance.v1.StartWatch;
import io.asktell.conformance.v1.Tell;
import io.asktell.conformance.v1.UpdateStudy;
import io.asktell.v1.AskRequest;
import io.asktell.v1.WatchStudyResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Does what it is told on the public API of the client, as a program that tunes would. It has no
 * logic of its own.
 */
final class Executor {
  private final Map<String, Client> clients = new HashMap<>();
  private final Map<String, Study> studies = new HashMap<>();
  private final Map<String, Trial> trials = new HashMap<>();
  private final Map<String, Watch> watches = new HashMap<>();

  /** Closes what is open. */
  void reset() {
    watches.values().forEach(Watch::close);
    clients.values().forEach(Client::close);
    clients.clear();
    studies.clear();
    trials.clear();
    watches.clear();
  }

  Result execute(Action action) {
    try {
      return perform(action);
    } catch (AsktellException failure) {
      return Results.failed(failure);
    }
  }

  private Result perform(Action action) {
    switch (action.getKindCase()) {
      case RESET:
        reset();
        return done();
      case CREATE_CLIENT:
        return createClient(action.getCreateClient());
      case CLOSE_CLIENT:
        clients.get(action.getCloseClient().getClient()).close();
        return done();
      case CREATE_STUDY:
        return createStudy(action.getCreateStudy());
      case OPEN_STUDY:
        return keep(
            action.getOpenStudy().getStudy(),
            clients
                .get(action.getOpenStudy().getClient())
                .study(action.getOpenStudy().getStudyId()));
      case GET_STUDY:
        Study read = studies.get(action.getGetStudy().getStudy());
        read.refresh();
        return Results.study(read);
      case UPDATE_STUDY:
        return updateStudy(action.getUpdateStudy());
      case DELETE_STUDY:
        studies.get(action.getDeleteStudy().getStudy()).delete();
        return done();
      case LIST_TRIALS:
        return trials(
            studies
                .get(action.getListTrials().getStudy())
                .trials(action.getListTrials().getFilter())
                .toList());
      case BEST:
        Study judged = studies.get(action.getBest().getStudy());
        int count = action.getBest().getCount();
        return trials(count > 0 ? judged.best(count) : judged.best().stream().toList());
      case ENQUEUE:
        return keep(
            action.getEnqueue().getHandlesList(),
            studies
                .get(action.getEnqueue().getStudy())
                .enqueue(action.getEnqueue().getTrialsList()));
      case IMPORT_TRIALS:
        return trials(
            studies
                .get(action.getImportTrials().getStudy())
                .importTrials(action.getImportTrials().getTrialsList())
                .trials());
      case START_WATCH:
        return startWatch(action.getStartWatch());
      case NEXT_CHANGES:
        return nextChanges(action.getNextChanges());
      case STOP_WATCH:
        watches.get(action.getStopWatch().getWatch()).close();
        return done();
      case SUGGEST:
        return Results.suggestions(
            clients.get(action.getSuggest().getClient()).suggest(action.getSuggest().getRequest()));
      case ANALYSE:
        return Results.analysis(analyse(action.getAnalyse()));
      default:
        return performOnTrial(action);
    }
  }

  private Result performOnTrial(Action action) {
    switch (action.getKindCase()) {
      case ASK:
        return ask(action.getAsk());
      case REPORT:
        Trial reported = trials.get(action.getReport().getTrial());
        reported.report(action.getReport().getStep(), action.getReport().getMetricsMap());
        return trials(List.of(reported));
      case TELL:
        return tell(action.getTell());
      case RELEASE:
        trials.get(action.getRelease().getTrial()).release();
        return done();
      case CANCEL:
        Trial cancelled = trials.get(action.getCancel().getTrial());
        cancelled.cancel(action.getCancel().getReason());
        return trials(List.of(cancelled));
      case AMEND:
        Trial amended = trials.get(action.getAmend().getTrial());
        amended.amend(
            action.getAmend().getOutcome(),
            action.getAmend().getMetricsMap(),
            action.getAmend().getReason());
        return trials(List.of(amended));
      case PEEK_TRIAL:
        return trials(List.of(trials.get(action.getPeekTrial().getTrial())));
      case GET_TRIAL:
        Trial trial =
            studies.get(action.getGetTrial().getStudy()).trial(action.getGetTrial().getNumber());
        String name = action.getGetTrial().getTrial();
        return name.isEmpty() ? trials(List.of(trial)) : keep(List.of(name), List.of(trial));
      default:
        throw new IllegalStateException("no such action: " + action);
    }
  }

  private Result createClient(CreateClient action) {
    try {
      Client.Builder builder = Client.builder();
      if (action.getAddressesCount() > 0) {
        builder.address(String.join(",", action.getAddressesList()));
      }
      if (!action.getToken().isEmpty()) {
        builder.token(action.getToken());
      }
      if (!action.getTlsCaFile().isEmpty()) {
        builder.certificates(Path.of(action.getTlsCaFile()));
      }
      if (action.getTimeoutMs() != 0) {
        Duration timeout = Duration.ofMillis(action.getTimeoutMs());
        builder.timeout(timeout).askTimeout(timeout);
      }
      if (!action.getWorkerId().isEmpty()) {
        builder.workerId(action.getWorkerId());
      }
      clients.put(action.getClient(), builder.build());
      return done();
    } catch (IllegalArgumentException refused) {
      return Results.refused(refused);
    }
  }

  private Result createStudy(CreateStudy action) {
    Client client = clients.get(action.getClient());
    if (action.hasStudyFile()) {
      StudyFile file = StudyFile.of("study.yaml", action.getStudyFile());
      return keep(
          action.getStudy(),
          action.getExistOk() ? client.createOrOpenStudy(file) : client.createStudy(file));
    }
    return keep(
        action.getStudy(),
        action.getExistOk()
            ? client.createOrOpenStudy(action.getStudyId(), action.getSpec())
            : client.createStudy(action.getStudyId(), action.getSpec()));
  }

  private Result keep(String name, Study study) {
    studies.put(name, study);
    return Results.study(study);
  }

  private Result updateStudy(UpdateStudy action) {
    Study study = studies.get(action.getStudy());
    if (action.hasMaxTrials()) {
      StudyBuilder changes = new StudyBuilder().maxTrials(action.getMaxTrials());
      if (action.getUseEtag()) {
        changes.with(message -> message.setEtag(study.info().getEtag()));
      }
      study.update(changes.build(), "stopping_rules.max_trials");
    } else {
      switch (action.getState()) {
        case STUDY_STATE_ACTIVE -> study.resume();
        case STUDY_STATE_PAUSED -> study.pause();
        default -> study.finish();
      }
    }
    return Results.study(study);
  }

  private Result ask(Ask action) {
    Duration wait = action.hasWaitMs() ? Duration.ofMillis(action.getWaitMs()) : Study.FOREVER;
    AskRequest.Builder request =
        AskRequest.newBuilder()
            .setWorkerId(action.getWorkerId())
            .setCostAware(action.getCostAware())
            .putAllFixedParameters(action.getFixedParametersMap());
    Study study = studies.get(action.getStudy());
    List<Trial> asked =
        action.hasCount()
            ? study.askMany(request.setCount(action.getCount()).build(), wait).trials()
            : List.of(study.ask(request.build(), wait));
    return keep(action.getTrialsList(), asked);
  }

  private int analyse(Analyse action) {
    Analysis analysis = studies.get(action.getStudy()).analysis();
    return switch (action.getQuestionCase()) {
      case IMPORTANCES ->
          analysis.importances(action.getImportances().getMetric()).getImportancesCount();
      case PREDICT -> analysis.predict(action.getPredict()).getPredictionsCount();
      case SLICE -> analysis.slice(action.getSlice()).getPointsCount();
      case CROSS_VALIDATE ->
          analysis.crossValidate(action.getCrossValidate().getMetric()).getResultsCount();
      case TRADE_OFFS -> analysis.tradeOffs().getTradeOffsCount();
      case HEALTH -> analysis.health().getFindingsCount();
      case QUESTION_NOT_SET -> throw new IllegalStateException("no such question: " + action);
    };
  }

  private Result keep(List<String> names, List<Trial> found) {
    for (int i = 0; i < found.size(); i++) {
      // One without a handle goes on heartbeating too.
      trials.put(i < names.size() ? names.get(i) : "\0" + found.get(i).name(), found.get(i));
    }
    return trials(found);
  }

  private Result tell(Tell action) {
    Trial trial = trials.get(action.getTrial());
    switch (action.getOutcome()) {
      case TELL_OUTCOME_SUCCEEDED -> trial.tell(action.getMetricsMap());
      case TELL_OUTCOME_STOPPED -> trial.stop(action.getMetricsMap(), action.getReason());
      default -> trial.tell(action.getOutcome(), action.getMetricsMap(), action.getReason());
    }
    return trials(List.of(trial));
  }

  private Result startWatch(StartWatch action) {
    Study study = studies.get(action.getStudy());
    String cursor =
        switch (action.getStartCase()) {
          case FROM_STUDY_CURSOR -> study.info().getCursor();
          case AFTER_WATCH -> watches.get(action.getAfterWatch()).cursor();
          case START_NOT_SET -> "";
        };
    watches.put(action.getWatch(), study.watch(cursor));
    return done();
  }

  private Result nextChanges(NextChanges action) {
    Watch watch = watches.get(action.getWatch());
    List<WatchStudyResponse> changes = new ArrayList<>();
    while (changes.size() < action.getCount()) {
      changes.add(watch.next());
    }
    return Results.changes(changes);
  }
}
