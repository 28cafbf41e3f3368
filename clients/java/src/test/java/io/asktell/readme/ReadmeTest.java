package io.asktell.readme;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.asktell.Client;
import io.asktell.Metrics;
import io.asktell.Parameters;
import io.asktell.Params;
import io.asktell.Study;
import io.asktell.StudyBuilder;
import io.asktell.StudyFile;
import io.asktell.Trial;
import io.asktell.v1.Algorithm.KindCase;
import io.asktell.v1.AskRequest;
import io.asktell.v1.ReportResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The manual's code, here so that the compiler sees it as a user's program; the test says that it
 * is the same text. Its whole program, the loop, is run by tests/readmes.
 */
class ReadmeTest {
  Study fromFile(Client client) throws IOException {
    Study study = client.createOrOpenStudy(StudyFile.load(Path.of("study.yaml")));
    return study;
  }

  Object anySpec() {
    var spec =
        new StudyBuilder()
            .parameter(Parameters.ofInt("layers", 1, 9).setDefaultValue(Params.value(3)))
            .parameter(Parameters.ofCategorical("opt", "sgd", "adam"))
            .parameter(
                Parameters.ofFloat("momentum", 0, 0.99).setCondition(Parameters.when("opt", "sgd")))
            .maximize("accuracy")
            .algorithm(KindCase.SOBOL)
            .with(message -> message.setSeed(7).putLabels("team", "nlp"))
            .with(
                message ->
                    message.getLeasePolicyBuilder().getLeaseDurationBuilder().setSeconds(300))
            .build();
    return spec;
  }

  double messages(Study study) {
    int running = study.info().getTrialCounts().getRunning();
    Trial trial =
        study.ask(AskRequest.newBuilder().setWorkerId("gpu-3").build(), Duration.ofMinutes(5));
    double predicted = trial.info().getPrediction().getMean();
    study.update(new StudyBuilder().maxTrials(100).build(), "stopping_rules.max_trials");
    return running + predicted;
  }

  void early(Trial trial, int epoch, double loss) {
    ReportResponse progress = trial.report(epoch, Metrics.of("val_loss", loss));
    if (!progress.getLeaseValid()) {
      return; // called off, or with another worker: there is nothing to tell
    }
    if (progress.getShouldStop()) {
      trial.stop(Metrics.of("val_loss", loss), "");
      return;
    }
  }

  @Test
  void theManualsCodeIsWhatIsCompiledHere() throws IOException {
    String source =
        squeezed(Files.readString(Path.of("src/test/java/io/asktell/readme/ReadmeTest.java")));
    Matcher blocks =
        Pattern.compile("```java\n(?!// Tune.java)(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of("README.md")));
    int found = 0;
    while (blocks.find()) {
      found++;
      assertTrue(source.contains(squeezed(blocks.group(1))), blocks.group(1));
    }
    assertTrue(found >= 4);
  }

  private static String squeezed(String code) {
    return code.replaceAll("\\s", "");
  }
}
