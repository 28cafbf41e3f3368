package io.asktell.readme;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.asktell.Client;
import io.asktell.DiscreteParameter;
import io.asktell.FloatParameter;
import io.asktell.Metrics;
import io.asktell.Progress;
import io.asktell.Study;
import io.asktell.StudyCompleteException;
import io.asktell.StudyFile;
import io.asktell.StudySpec;
import io.asktell.Trial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The manual's code, here so that the compiler sees it as a user's program; the test says that it
 * is the same text.
 */
class ReadmeTest {
  private interface Training {
    double train(double lr, int rank);
  }

  void loop(Training training) {
    StudySpec spec =
        StudySpec.builder()
            .parameter(FloatParameter.of("lr", 1e-5, 1e-3).log())
            .parameter(DiscreteParameter.of("rank", 4, 8, 16, 32))
            .minimize("val_loss")
            .maxTrials(50)
            .build();
    try (Client client = Client.create()) { // ASKTELL_ADDRESS, or localhost:50051
      Study study = client.createOrOpenStudy("lora", spec);
      while (true) {
        try (Trial trial = study.ask()) { // gives it back unless it has been told
          trial.tell(
              Metrics.of(
                  "val_loss",
                  training.train(trial.params().getDouble("lr"), trial.params().getInt("rank"))));
        }
      }
    } catch (StudyCompleteException complete) {
      System.out.println(complete.getMessage());
    }
  }

  Study fromFile(Client client) throws IOException {
    Study study = client.createOrOpenStudy(StudyFile.load(Path.of("study.yaml")));
    return study;
  }

  void early(Trial trial, int epoch, double loss) {
    Progress progress = trial.report(epoch, Metrics.of("val_loss", loss));
    if (!progress.leaseValid()) {
      return; // called off, or with another worker: there is nothing to tell
    }
    if (progress.shouldStop()) {
      trial.stop(Metrics.of("val_loss", loss), "");
      return;
    }
  }

  @Test
  void theManualsCodeIsWhatIsCompiledHere() throws IOException {
    String source =
        squeezed(
            Files.readString(Path.of("src/test/java/io/asktell/readme/ReadmeTest.java"))
                .replace("training.train(", "train("));
    Matcher blocks =
        Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of("README.md")));
    int found = 0;
    while (blocks.find()) {
      found++;
      assertTrue(source.contains(squeezed(blocks.group(1))), blocks.group(1));
    }
    assertTrue(found >= 3);
  }

  private static String squeezed(String code) {
    return code.replaceAll("\\s", "");
  }
}
