package io.asktell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StudyFileTest {
  private static final String MINIMAL =
      """
      name: lora
      objectives:
        - {metric: val_loss, goal: minimize}
      parameters:
        lr: {type: float, min: 1e-5, max: 1e-3, scale: log}
      """;

  @Test
  void readsTheExamplesFile() throws Exception {
    StudyFile file = StudyFile.load(Path.of("../../examples/digits.yaml"));
    assertEquals("digits", file.id());
    assertEquals(
        List.of(
            FloatParameter.of("lr", 1e-4, 1).log(),
            FloatParameter.of("l2", 1e-6, 1e-1).log(),
            DiscreteParameter.of("batch_size", 16, 32, 64, 128),
            IntParameter.of("epochs", 2, 12),
            FloatParameter.of("momentum", 0, 0.95)),
        file.spec().space());
    assertEquals(60, file.spec().maxTrials());
    assertEquals(Duration.ofSeconds(30), file.spec().lease());
  }

  @Test
  void readsReplicatesAndStaleness() {
    StudySpec spec = StudyFile.parse("f", MINIMAL + "replicates: 3\nmax_staleness: 0\n").spec();
    assertEquals(3, spec.replicates());
    assertEquals(0, spec.maxStaleness());
    assertNull(StudyFile.parse("f", MINIMAL).spec().maxStaleness());
  }

  @Test
  void plainWordsAreStrings() {
    StudyFile file =
        StudyFile.parse(
            "f",
            MINIMAL + "  answer: {type: categorical, values: [yes, no, \"3\"], default: no}\n");
    assertEquals(
        CategoricalParameter.of("answer", "yes", "no", "3").withDefault("no"),
        file.spec().space().get(1));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "sped: 3 | unknown key",
        "name: twice | stands here twice",
        "seed: 0.5 | must be a whole number",
        "max_running: 3000000000 | must fit 32 bits",
        "display_name: 3 | must be a string",
        "stopping: [1] | must be a mapping",
        "algorithm: genetic | must be one of",
        "stopping: {deadline: tomorrow} | must be a time",
      })
  void refusesWithThePlace(String line, String complaint) {
    StudyFileException mistake =
        assertThrows(
            StudyFileException.class, () -> StudyFile.parse("study.yaml", MINIMAL + line + "\n"));
    assertTrue(mistake.getMessage().startsWith("study.yaml:6:"), mistake.getMessage());
    assertTrue(mistake.getMessage().contains(complaint), mistake.getMessage());
  }
}
