package io.asktell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.Code;
import io.asktell.v1.CreateStudyRequest;
import io.asktell.v1.GetStudyRequest;
import io.asktell.v1.ListBestTrialsRequest;
import io.asktell.v1.ListBestTrialsResponse;
import io.asktell.v1.StudyServiceGrpc;
import io.asktell.v1.TrialServiceGrpc;
import io.asktell.v1.UpdateStudyRequest;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A study's settings and its best trial, against a server that answers as a test says. */
class StudyTest {
  private static final String NAME = "projects/default/studies/s";

  private final Queue<UpdateStudyRequest> updates = new ConcurrentLinkedQueue<>();
  private final Queue<ListBestTrialsRequest> bests = new ConcurrentLinkedQueue<>();
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

  private static <T> void send(StreamObserver<T> answer, T message) {
    answer.onNext(message);
    answer.onCompleted();
  }

  /** Keeps a study with two replicates that knows all results. */
  private final class Studies extends StudyServiceGrpc.StudyServiceImplBase {
    @Override
    public void createStudy(
        CreateStudyRequest request, StreamObserver<io.asktell.v1.Study> answer) {
      answer.onError(TestServer.because(Code.ALREADY_EXISTS, "STUDY_EXISTS"));
    }

    @Override
    public void getStudy(GetStudyRequest request, StreamObserver<io.asktell.v1.Study> answer) {
      send(
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
      send(answer, request.getStudy());
    }
  }

  /** Finds noise in the first answer only. */
  private final class Trials extends TrialServiceGrpc.TrialServiceImplBase {
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
      send(answer, best.build());
    }
  }

  @Test
  void replicatesAndStalenessAreRead() {
    StudySpec spec = client.study("s").info().spec();
    assertEquals(2, spec.replicates());
    assertEquals(0, spec.maxStaleness());
  }

  @Test
  void aStudyWithOtherReplicatesIsAnotherStudy() {
    StudyExistsException refused =
        assertThrows(
            StudyExistsException.class,
            () -> client.createOrOpenStudy("s", StudySpec.builder().replicates(3).build()));
    assertEquals(
        NAME + " exists with another replicates: choose another name, or delete it first",
        refused.getMessage());
    assertEquals(
        2, client.createOrOpenStudy("s", StudySpec.builder().build()).info().spec().replicates());
  }

  @Test
  void maxStalenessIsChangedAndLeftToTheServerAgain() {
    Study study = client.study("s");
    study.update(StudyUpdate.create().maxStaleness(7));
    assertEquals(7, study.info().spec().maxStaleness());
    study.update(StudyUpdate.create().maxStaleness(7).clearMaxStaleness());
    assertNull(study.info().spec().maxStaleness());
    updates.forEach(
        sent -> assertEquals(List.of("max_staleness"), sent.getUpdateMask().getPathsList()));
  }

  @Test
  void theBestByTheModelIsThereWhereResultsAreNoisy() {
    Study study = client.study("s");
    BestByModel best = study.bestByModel().orElseThrow();
    assertEquals(4, best.trial().info().number());
    assertEquals(0.5, best.mean());
    assertEquals(0.25, best.standardDeviation());
    assertEquals(0.125, best.noise());
    assertTrue(study.bestByModel().isEmpty());
    assertTrue(bests.stream().allMatch(ListBestTrialsRequest::getByModel));
  }
}
