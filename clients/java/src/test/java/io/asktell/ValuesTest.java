package io.asktell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.asktell.v1.ParameterValue;
import java.math.BigInteger;
import java.time.Duration;
import java.util.Map;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;

class ValuesTest {
  @Test
  void valuesKeepTheirKind() {
    Params params =
        Params.of(
            Map.of("whole", 9007199254740993L, "real", 0.1, "one", 1.0, "name", "é", "on", true));
    assertEquals(params, Wire.params(Wire.params(params)));
    assertEquals(9007199254740993L, params.getLong("whole"));
    assertEquals(
        ParameterValue.KindCase.DOUBLE_VALUE, Wire.params(params).get("one").getKindCase());
  }

  @Test
  void gettersNameTheMistake() {
    Params params = Params.of(Map.of("lr", 0.1));
    assertThrows(NoSuchElementException.class, () -> params.getDouble("rate"));
    assertThrows(ClassCastException.class, () -> params.getInt("lr"));
    assertThrows(
        InvalidArgumentException.class, () -> Params.of(Map.of("x", BigInteger.valueOf(1))));
  }

  @Test
  void standardErrorsStayWithTheirMetrics() {
    Metrics metrics = Metrics.of("a", 1).with("b", 2, 0.5);
    assertEquals(metrics, Wire.metrics(Wire.metrics(metrics)));
    assertEquals(0.5, metrics.standardError("b").orElseThrow());
    assertEquals(Metrics.of("a", 1, "b", 3), metrics.with("b", 3));
  }

  @Test
  void specificationsSurviveTheWire() {
    StudySpec spec =
        StudySpec.builder()
            .parameter(FloatParameter.of("lr", 1e-5, 1e-3).log().withDefault(1e-4))
            .parameter(IntParameter.of("layers", 1, 9).withStep(2))
            .parameter(DiscreteParameter.of("p", 0.1, 0.5).withDefault(0.1))
            .parameter(CategoricalParameter.of("kind", "a", "b"))
            .parameter(BoolParameter.of("tied").withDefault(true))
            .maximize("accuracy")
            .track("loss", Split.TRAIN)
            .algorithm(new Algorithm.Grid(3, Map.of("lr", 4)))
            .maxTrials(5)
            .lease(Duration.ZERO)
            .maxAttempts(1)
            .replicates(3)
            .maxStaleness(0)
            .seed(7)
            .build();
    assertEquals(spec, SpecCodec.decode(SpecCodec.encode(spec)));
  }

  @Test
  void longReasonsAreShortened() {
    String shortened = Wire.shortened("😀".repeat(5000));
    assertEquals(4096, shortened.codePointCount(0, shortened.length()));
  }

  @Test
  void storedMetricsAreRead() {
    assertEquals(
        Metrics.of("a", 0.5, "b", -2e-7), StoredMetrics.parse("{\"a\": 0.5, \"b\": -2e-07}"));
    assertEquals(Metrics.none(), StoredMetrics.parse("{\"a\": 0.5, \"b"));
  }
}
