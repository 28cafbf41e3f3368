package io.asktell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.Code;
import io.asktell.AsktellException.ClientClosedException;
import io.asktell.AsktellException.InvalidArgumentException;
import io.asktell.AsktellException.ResourceExhaustedException;
import io.asktell.AsktellException.StudyCompleteException;
import io.asktell.AsktellException.UnavailableException;
import io.asktell.v1.AskRequest;
import io.asktell.v1.AskResponse;
import io.asktell.v1.ErrorReason;
import io.asktell.v1.GetStudyRequest;
import io.asktell.v1.StudyServiceGrpc;
import io.asktell.v1.TrialServiceGrpc;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The client against a server that misbehaves on request. */
class CallsTest {
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final Queue<String> requestIds = new ConcurrentLinkedQueue<>();
  private Server server;

  @BeforeEach
  void serve() throws IOException {
    server = TestServer.start(new Studies(), new Trials());
  }

  @AfterEach
  void stop() {
    server.shutdownNow();
  }

  private final class Trials extends TrialServiceGrpc.TrialServiceImplBase {
    @Override
    public void ask(AskRequest request, StreamObserver<AskResponse> answer) {
      requestIds.add(request.getRequestId());
      Throwable failure = failures.poll();
      if (failure != null) {
        answer.onError(failure);
        return;
      }
      TestServer.send(
          answer,
          AskResponse.newBuilder()
              .addTrials(io.asktell.v1.Trial.newBuilder().setName("projects/p/studies/s/trials/1"))
              .build());
    }
  }

  private static final class Studies extends StudyServiceGrpc.StudyServiceImplBase {
    @Override
    public void getStudy(GetStudyRequest request, StreamObserver<io.asktell.v1.Study> answer) {
      TestServer.send(answer, io.asktell.v1.Study.newBuilder().setName(request.getName()).build());
    }
  }

  private Client client() {
    return Client.builder()
        .address("127.0.0.1:" + server.getPort())
        .askTimeout(Duration.ofSeconds(10))
        .build();
  }

  @Test
  void triesAgainWithTheSameRequestId() {
    failures.addAll(
        List.of(
            Status.UNAVAILABLE.asRuntimeException(),
            TestServer.because(Code.UNAVAILABLE, "SERVER_DRAINING"),
            TestServer.because(Code.ABORTED, "CONTENTION")));
    try (Client client = client()) {
      client.study("s").ask();
    }
    assertEquals(4, requestIds.size());
    assertEquals(1, new HashSet<>(requestIds).size());
  }

  @Test
  void triesNothingElseAgain() {
    failures.addAll(
        Collections.nCopies(2, TestServer.because(Code.FAILED_PRECONDITION, "STUDY_COMPLETE")));
    try (Client client = client()) {
      Study study = client.study("s");
      StudyCompleteException complete = assertThrows(StudyCompleteException.class, study::ask);
      assertTrue(complete.getMessage().startsWith("study is complete"), complete.getMessage());
    }
    assertEquals(1, requestIds.size());
  }

  @Test
  void anUnknownReasonFallsBackOnTheStatus() {
    failures.add(TestServer.because(Code.RESOURCE_EXHAUSTED, "NEWER_THAN_THIS_CLIENT"));
    try (Client client = client()) {
      Study study = client.study("s");
      ResourceExhaustedException failure =
          assertThrows(ResourceExhaustedException.class, study::ask);
      assertEquals("NEWER_THAN_THIS_CLIENT", failure.reason());
      assertEquals("RESOURCE_EXHAUSTED", failure.code());
    }
  }

  @Test
  void aReasonWithoutATypeIsReadByValue() {
    failures.add(TestServer.because(Code.INVALID_ARGUMENT, "NOT_FINITE"));
    try (Client client = client()) {
      Study study = client.study("s");
      InvalidArgumentException failure = assertThrows(InvalidArgumentException.class, study::ask);
      assertTrue(failure.is(ErrorReason.ERROR_REASON_NOT_FINITE));
      assertFalse(failure.is(ErrorReason.ERROR_REASON_UNKNOWN_METRIC));
    }
  }

  @Test
  void noServerIsUnavailable() throws IOException {
    int port;
    try (ServerSocket taken = new ServerSocket(0)) {
      port = taken.getLocalPort();
    }
    try (Client client =
        Client.builder().address("127.0.0.1:" + port).timeout(Duration.ofMillis(500)).build()) {
      UnavailableException failure =
          assertThrows(UnavailableException.class, () -> client.study("s"));
      assertTrue(failure.getMessage().contains("no server answers"), failure.getMessage());
    }
  }

  @Test
  void aClosedClientSaysSo() {
    Client client = client();
    Study study = client.study("s");
    client.close();
    client.close();
    assertThrows(ClientClosedException.class, study::ask);
  }

  @Test
  void pagesAreFetchedAsTheReaderGetsThere() {
    Queue<String> asked = new ArrayDeque<>();
    Set<Integer> read = new HashSet<>();
    Pages.<Integer>stream(
            token -> {
              asked.add(token);
              return new Pages.Page<>(List.of(asked.size()), "next");
            })
        .limit(2)
        .forEach(read::add);
    assertEquals(2, asked.size());
    assertEquals(Set.of(1, 2), read);
  }
}
