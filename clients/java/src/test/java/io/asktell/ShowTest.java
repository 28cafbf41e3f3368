package io.asktell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.Code;
import io.asktell.AsktellException.InvalidArgumentException;
import io.asktell.AsktellException.StudyCompleteException;
import io.asktell.v1.AskRequest;
import io.asktell.v1.AskResponse;
import io.asktell.v1.FinishReason;
import io.asktell.v1.GetStudyRequest;
import io.asktell.v1.ListBestTrialsRequest;
import io.asktell.v1.ListBestTrialsResponse;
import io.asktell.v1.StudyServiceGrpc;
import io.asktell.v1.StudyState;
import io.asktell.v1.TrialServiceGrpc;
import io.asktell.v1.TrialState;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What people see of a handle. */
class ShowTest {
  private static final String NAME = "projects/vision/studies/s";

  @Test
  void handlesShowWhereTheyStandAndNoToken() throws IOException {
    Server server = TestServer.start(new Studies(), new Trials());
    String address = "127.0.0.1:" + server.getPort();
    try (Client client =
        Client.builder().address(address).token("hidden").project("vision").build()) {
      assertEquals(address + " project vision", client.toString());
      Study study = client.study("s");
      assertEquals(
          NAME + " ACTIVE, 2 trials ended, 1 failed, 2 running, budget 3", study.toString());
      assertEquals(
          NAME + "/trials/7 SUCCEEDED lr=1.0E-4 rank=8, seconds=2.0 val_loss=0.31",
          study.best().orElseThrow().toString());
      assertThrows(StudyCompleteException.class, study::ask);
      assertEquals(
          NAME
              + " FINISHED (MAX_TRIALS), 4 trials ended, 1 failed, budget 3,"
              + " best: trial 7 with val_loss=0.31",
          study.toString());
    } finally {
      server.shutdownNow();
    }
  }

  @Test
  void aStudyShowsOnlyASingleFeasibleBestTrial() throws IOException {
    Answers answers = new Answers();
    Server server = TestServer.start(answers.studies, answers.trials);
    try (Client client = Client.builder().address("127.0.0.1:" + server.getPort()).build()) {
      String counted = NAME + " UNSPECIFIED, 1 trial ended";
      Study one = client.study("s");
      assertEquals(counted, one.toString());
      var best = Answers.BEST;
      var infeasible = best.toBuilder().setInfeasible(true).build();
      for (var unusable : List.of(infeasible, ListBestTrialsResponse.getDefaultInstance())) {
        answers.best = best;
        one.best().orElseThrow();
        assertEquals(counted + ", best: trial 7 with loss=0.5", one.toString());
        answers.best = null;
        assertThrows(InvalidArgumentException.class, one::best);
        assertEquals(counted + ", best: trial 7 with loss=0.5", one.toString()); // says nothing
        answers.best = unusable;
        assertTrue(one.best().isEmpty());
        assertEquals(counted, one.toString());
      }

      answers.best = best;
      answers.study.minimize("ms");
      Study two = client.study("s");
      assertEquals(1, two.paretoFront().size());
      assertEquals(counted, two.toString());
      assertThrows(IllegalStateException.class, two::best);
    } finally {
      server.shutdownNow();
    }
  }

  /** What the server has at the moment. */
  private static final class Answers {
    private static final ListBestTrialsResponse BEST =
        ListBestTrialsResponse.newBuilder()
            .addTrials(
                io.asktell.v1.Trial.newBuilder()
                    .setNumber(7)
                    .putAllMetrics(Metrics.of("loss", 0.5))
                    .putAllMetrics(Metrics.of("ms", 3)))
            .build();

    private final StudyBuilder study = new StudyBuilder().minimize("loss");
    private volatile ListBestTrialsResponse best = BEST; // null = a refusal

    private final StudyServiceGrpc.StudyServiceImplBase studies =
        new StudyServiceGrpc.StudyServiceImplBase() {
          @Override
          public void getStudy(
              GetStudyRequest request, StreamObserver<io.asktell.v1.Study> answer) {
            var stored = study.build().toBuilder().setName(NAME);
            stored.getTrialCountsBuilder().setSucceeded(1);
            TestServer.send(answer, stored.build());
          }
        };

    private final TrialServiceGrpc.TrialServiceImplBase trials =
        new TrialServiceGrpc.TrialServiceImplBase() {
          @Override
          public void listBestTrials(
              ListBestTrialsRequest request, StreamObserver<ListBestTrialsResponse> answer) {
            if (best == null) {
              answer.onError(TestServer.because(Code.INVALID_ARGUMENT, "INVALID_FIELD"));
            } else {
              TestServer.send(answer, best);
            }
          }
        };
  }

  /** Is complete when it is read for the second time. */
  private static final class Studies extends StudyServiceGrpc.StudyServiceImplBase {
    private int reads;

    @Override
    public void getStudy(GetStudyRequest request, StreamObserver<io.asktell.v1.Study> answer) {
      boolean complete = reads++ > 0;
      var study = new StudyBuilder().minimize("val_loss").maxTrials(3).build().toBuilder();
      study.setName(NAME).setState(StudyState.STUDY_STATE_ACTIVE);
      study.getTrialCountsBuilder().setFailed(1).setSucceeded(1).setRunning(2);
      if (complete) {
        study.setState(StudyState.STUDY_STATE_FINISHED);
        study.setFinishReason(FinishReason.FINISH_REASON_MAX_TRIALS);
        study.getTrialCountsBuilder().setSucceeded(3).setRunning(0);
      }
      TestServer.send(answer, study.build());
    }
  }

  private static final class Trials extends TrialServiceGrpc.TrialServiceImplBase {
    @Override
    public void ask(AskRequest request, StreamObserver<AskResponse> answer) {
      answer.onError(TestServer.because(Code.FAILED_PRECONDITION, "STUDY_COMPLETE"));
    }

    @Override
    public void listBestTrials(
        ListBestTrialsRequest request, StreamObserver<ListBestTrialsResponse> answer) {
      io.asktell.v1.Trial best =
          io.asktell.v1.Trial.newBuilder()
              .setName(NAME + "/trials/7")
              .setNumber(7)
              .setState(TrialState.TRIAL_STATE_SUCCEEDED)
              .putAllParameters(Params.of(Map.of("rank", 8, "lr", 1e-4)).values())
              .putAllMetrics(Metrics.of("val_loss", 0.31))
              .putAllMetrics(Metrics.of("seconds", 2))
              .build();
      TestServer.send(answer, ListBestTrialsResponse.newBuilder().addTrials(best).build());
    }
  }
}
