package io.asktell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.Code;
import io.asktell.AsktellException.StudyExistsException;
import io.asktell.v1.AskRequest;
import io.asktell.v1.AskResponse;
import io.asktell.v1.BestByModel;
import io.asktell.v1.CreateStudyRequest;
import io.asktell.v1.GetStudyRequest;
import io.asktell.v1.ListBestTrialsRequest;
import io.asktell.v1.ListBestTrialsResponse;
import io.asktell.v1.ReleaseTrialRequest;
import io.asktell.v1.StudyServiceGrpc;
import io.asktell.v1.TellOutcome;
import io.asktell.v1.TellRequest;
import io.asktell.v1.TellResponse;
import io.asktell.v1.TrialServiceGrpc;
import io.asktell.v1.TrialState;
import io.asktell.v1.UpdateStudyRequest;
import io.asktell.v1.UpdateTrialRequest;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The handles of studies and trials, against a server that answers as a test says. */
class StudyTest {
  private static final String NAME = "projects/default/studies/s";
  private static final String TRIAL = NAME + "/trials/1";

  private final Queue<CreateStudyRequest> creations = new ConcurrentLinkedQueue<>();
  private final Queue<UpdateStudyRequest> updates = new ConcurrentLinkedQueue<>();
  private final Queue<ListBestTrialsRequest> bests = new ConcurrentLinkedQueue<>();
  private final Queue<AskRequest> asks = new ConcurrentLinkedQueue<>();
  private final Queue<TellRequest> results = new ConcurrentLinkedQueue<>();
  private final Queue<UpdateTrialRequest> trialUpdates = new ConcurrentLinkedQueue<>();
  private Server server;
  private Client client;

  @BeforeEach
  void serve() throws IOException {
    server = TestServer.start(new Studies(), new Trials());
    client = Client.builder().address("127.0.0.1:" + server.getPort()).build();
  }

  @AfterEach
  void stop() {
    client.close();
    server.shutdownNow();
  }

  /** Keeps a study with two replicates that knows all results. */
  private final class Studies extends StudyServiceGrpc.StudyServiceImplBase {
    @Override
    public void createStudy(
        CreateStudyRequest request, StreamObserver<io.asktell.v1.Study> answer) {
      creations.add(request);
      if (request.getStudy().getReplicates() == 3) {
        answer.onError(TestServer.because(Code.ALREADY_EXISTS, "STUDY_EXISTS"));
      } else {
        TestServer.send(answer, request.getStudy());
      }
    }

    @Override
    public void getStudy(GetStudyRequest request, StreamObserver<io.asktell.v1.Study> answer) {
      TestServer.send(
          answer,
          io.asktell.v1.Study.newBuilder()
              .setName(NAME)
              .setReplicates(2)
              .setMaxStaleness(0)
              .build());
    }

    @Override
    public void updateStudy(
        UpdateStudyRequest request, StreamObserver<io.asktell.v1.Study> answer) {
      updates.add(request);
      TestServer.send(answer, request.getStudy());
    }
  }

  /** Finds noise in the first answer only, and keeps what becomes of one trial. */
  private final class Trials extends TrialServiceGrpc.TrialServiceImplBase {
    private final io.asktell.v1.Trial trial =
        Filled.of(io.asktell.v1.Trial.getDefaultInstance()).toBuilder()
            .setName(TRIAL)
            .setLeaseId("lease")
            .clearLeaseExpireTime() // no heartbeats
            .build();

    @Override
    public void ask(AskRequest request, StreamObserver<AskResponse> answer) {
      asks.add(request);
      TestServer.send(answer, AskResponse.newBuilder().addTrials(trial).build());
    }

    @Override
    public void tell(TellRequest request, StreamObserver<TellResponse> answer) {
      results.add(request);
      TestServer.send(answer, TellResponse.newBuilder().setTrial(trial).build());
    }

    @Override
    public void releaseTrial(
        ReleaseTrialRequest request, StreamObserver<io.asktell.v1.Trial> answer) {
      TestServer.send(answer, trial.toBuilder().setState(TrialState.TRIAL_STATE_QUEUED).build());
    }

    @Override
    public void updateTrial(
        UpdateTrialRequest request, StreamObserver<io.asktell.v1.Trial> answer) {
      trialUpdates.add(request);
      TestServer.send(answer, request.getTrial());
    }

    @Override
    public void listBestTrials(
        ListBestTrialsRequest request, StreamObserver<ListBestTrialsResponse> answer) {
      bests.add(request);
      ListBestTrialsResponse.Builder best =
          ListBestTrialsResponse.newBuilder()
              .addTrials(io.asktell.v1.Trial.newBuilder().setNumber(7));
      if (bests.size() == 1) {
        best.getBestByModelBuilder().setMean(0.5).setStandardDeviation(0.25).setNoise(0.125);
        best.getBestByModelBuilder().getTrialBuilder().setNumber(4);
      }
      TestServer.send(answer, best.build());
    }
  }

  @Test
  void replicatesAndStalenessAreRead() {
    io.asktell.v1.Study info = client.study("s").info();
    assertEquals(2, info.getReplicates());
    assertTrue(info.hasMaxStaleness());
    assertEquals(0, info.getMaxStaleness());
  }

  @Test
  void everyFieldOfAStudyGoesToTheServerAndComesBack() {
    io.asktell.v1.Study whole = Filled.of(io.asktell.v1.Study.getDefaultInstance());
    assertEquals(whole, client.createStudy("s", whole).info());
    Study study = client.study("s");
    study.update(whole, "labels");
    assertEquals(whole.toBuilder().setName(NAME).build(), study.info());
  }

  @Test
  void everyFieldOfAnAskAndOfATrialPasses() {
    AskRequest whole = Filled.of(AskRequest.getDefaultInstance());
    Answer<AskResponse> answer = client.study("s").askMany(whole, Duration.ZERO);
    assertEquals(List.of(whole.toBuilder().setStudy(NAME).build()), List.copyOf(asks));
    assertEquals(answer.message().getTrials(0), answer.trials().get(0).info());
  }

  @Test
  void anAskIsFilledIn() {
    client.study("s").ask();
    AskRequest sent = asks.remove();
    assertEquals(1, sent.getCount());
    assertFalse(sent.getWorkerId().isEmpty());
    assertFalse(sent.getRequestId().isEmpty());
  }

  @Test
  void theServerDecidesWhetherAStudyIsAnother() {
    assertThrows(
        StudyExistsException.class,
        () ->
            client.createOrOpenStudy(
                "s", new StudyBuilder().with(study -> study.setReplicates(3)).build()));
    client.createOrOpenStudy("s", new StudyBuilder().build());
    client.createStudy("s", new StudyBuilder().build());
    assertEquals(
        List.of(true, true, false),
        creations.stream().map(CreateStudyRequest::getExistOk).toList());
  }

  @Test
  void maxStalenessIsChangedAndLeftToTheServerAgain() {
    Study study = client.study("s");
    study.update(io.asktell.v1.Study.newBuilder().setMaxStaleness(7).build(), "max_staleness");
    assertEquals(7, study.info().getMaxStaleness());
    study.update(io.asktell.v1.Study.getDefaultInstance(), "max_staleness");
    assertFalse(study.info().hasMaxStaleness());
    updates.forEach(
        sent -> assertEquals(List.of("max_staleness"), sent.getUpdateMask().getPathsList()));
  }

  @Test
  void theBestByTheModelIsThereWhereResultsAreNoisy() {
    Study study = client.study("s");
    BestByModel best = study.bestByModel().orElseThrow();
    assertEquals(4, best.getTrial().getNumber());
    assertEquals(0.5, best.getMean());
    assertEquals(0.25, best.getStandardDeviation());
    assertEquals(0.125, best.getNoise());
    assertTrue(study.bestByModel().isEmpty());
    assertTrue(bests.stream().allMatch(ListBestTrialsRequest::getByModel));
  }

  @Test
  void everyWayToEndATrialNamesItsAttempt() {
    Study study = client.study("s");
    study.ask().tell(Metrics.of("loss", 1));
    study.ask().stop(Metrics.none(), "enough");
    study.ask().fail("diverged");
    study.ask().infeasible("too large");
    TellRequest.Builder common = TellRequest.newBuilder().setName(TRIAL).setLeaseId("lease");
    assertEquals(
        List.of(
            common
                .clone()
                .setOutcome(TellOutcome.TELL_OUTCOME_SUCCEEDED)
                .putAllMetrics(Metrics.of("loss", 1))
                .build(),
            ended(common, TellOutcome.TELL_OUTCOME_STOPPED, "enough"),
            ended(common, TellOutcome.TELL_OUTCOME_FAILED, "diverged"),
            ended(common, TellOutcome.TELL_OUTCOME_INFEASIBLE, "too large")),
        results.stream().map(sent -> sent.toBuilder().clearRequestId().build()).toList());
  }

  private static TellRequest ended(TellRequest.Builder common, TellOutcome outcome, String reason) {
    return common.clone().setOutcome(outcome).setReason(reason).build();
  }

  @Test
  void aTrialIsGivenBackUnlessItHasEnded() {
    Trial trial = client.study("s").ask();
    assertTrue(trial.isOpen());
    trial.release();
    assertFalse(trial.isOpen());
    assertEquals(TrialState.TRIAL_STATE_QUEUED, trial.info().getState());
    trial.close();
    assertEquals(TrialState.TRIAL_STATE_QUEUED, trial.info().getState());
  }

  @Test
  void labelsAreSetOneByOne() {
    Trial trial = client.study("s").ask();
    trial.label(Map.of("host", "a"));
    trial.annotate(Map.of("run", "7"));
    assertEquals(
        List.of(List.of("labels.host"), List.of("annotations.run")),
        trialUpdates.stream()
            .map(sent -> List.copyOf(sent.getUpdateMask().getPathsList()))
            .toList());
    assertEquals("7", trial.info().getAnnotationsOrThrow("run"));
  }
}
