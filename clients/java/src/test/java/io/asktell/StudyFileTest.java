package io.asktell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.Code;
import io.asktell.AsktellException.InvalidArgumentException;
import io.asktell.v1.CreateStudyRequest;
import io.asktell.v1.StudyServiceGrpc;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Study files on their way to the server, which alone reads them. */
class StudyFileTest {
  private final Queue<CreateStudyRequest> requests = new ConcurrentLinkedQueue<>();
  private final Queue<Throwable> refusals = new ConcurrentLinkedQueue<>();
  private @TempDir Path folder;
  private Server server;
  private Client client;

  @BeforeEach
  void serve() throws IOException {
    server = TestServer.start(new Studies());
    client = Client.builder().address("127.0.0.1:" + server.getPort()).build();
  }

  @AfterEach
  void stop() {
    client.close();
    server.shutdownNow();
  }

  /** Warns about one line of each file. */
  private final class Studies extends StudyServiceGrpc.StudyServiceImplBase {
    @Override
    public void createStudy(
        CreateStudyRequest request, StreamObserver<io.asktell.v1.Study> answer) {
      requests.add(request);
      Throwable refusal = refusals.poll();
      if (refusal != null) {
        answer.onError(refusal);
        return;
      }
      io.asktell.v1.Study.Builder study = io.asktell.v1.Study.newBuilder().setName("projects/p/s");
      study.addWarningsBuilder().setPlace("7:3: stopping").setMessage("too small");
      TestServer.send(answer, study.build());
    }
  }

  private StudyFile written(byte[] text) throws IOException {
    return StudyFile.load(Files.write(folder.resolve("study.yaml"), text));
  }

  private StudyFile written() throws IOException {
    return written("name: é".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void theTextGoesToTheServerAsItIs() throws IOException {
    client.createStudy(written());
    client.createOrOpenStudy(written().withId("mine"));
    client.checkStudy(StudyFile.of("", "name: x"));
    List<CreateStudyRequest> sent =
        requests.stream().map(each -> each.toBuilder().clearRequestId().build()).toList();
    CreateStudyRequest.Builder wanted =
        CreateStudyRequest.newBuilder().setParent("projects/default").setStudyFile("name: é");
    assertEquals(
        List.of(
            wanted.build(),
            wanted.clone().setStudyId("mine").setExistOk(true).build(),
            wanted.clone().setStudyFile("name: x").setValidateOnly(true).build()),
        sent);
  }

  @Test
  void aMistakeIsRefusedWithThePlace() throws IOException {
    Map<String, String> place = Map.of("field", "study_file", "line", "4", "column", "17");
    for (int i = 0; i < 2; i++) {
      refusals.add(
          TestServer.because(
              Code.INVALID_ARGUMENT, "INVALID_STUDY_FILE", "4:17: nmae: unknown key", place));
    }
    StudyFile file = written();
    InvalidArgumentException mistake =
        assertThrows(InvalidArgumentException.class, () -> client.createStudy(file));
    assertEquals(folder.resolve("study.yaml") + ":4:17: nmae: unknown key", mistake.getMessage());
    assertEquals("INVALID_STUDY_FILE", mistake.reason());
    assertEquals(place, mistake.metadata());
    AsktellException nameless =
        assertThrows(
            InvalidArgumentException.class, () -> client.checkStudy(StudyFile.of("", "nmae: x")));
    assertEquals("4:17: nmae: unknown key", nameless.getMessage());
  }

  @Test
  void anErrorWithoutAPlaceStaysAsItIs() throws IOException {
    refusals.add(TestServer.because(Code.ALREADY_EXISTS, "STUDY_EXISTS"));
    StudyFile file = written();
    assertEquals(
        "for a test",
        assertThrows(AsktellException.class, () -> client.createStudy(file)).getMessage());
  }

  @Test
  void aFileThatCannotBeReadIsNoCall() throws IOException {
    assertThrows(NoSuchFileException.class, () -> StudyFile.load(folder.resolve("none.yaml")));
    IOException broken =
        assertThrows(IOException.class, () -> written(new byte[] {'n', (byte) 0xff}));
    assertTrue(broken.getMessage().startsWith(folder.toString()), broken.getMessage());
    assertTrue(requests.isEmpty());
  }

  @Test
  void warningsAreLoggedWithThePlace() throws IOException {
    List<String> lines = new ArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord line) {
            lines.add(new SimpleFormatter().formatMessage(line));
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger("io.asktell");
    logger.addHandler(handler);
    try {
      client.createStudy(written());
      assertEquals(1, client.checkStudy(written()).getWarningsCount());
    } finally {
      logger.removeHandler(handler);
    }
    assertEquals(
        List.of("projects/p/s: " + folder.resolve("study.yaml") + ":7:3: stopping: too small"),
        lines);
  }
}
