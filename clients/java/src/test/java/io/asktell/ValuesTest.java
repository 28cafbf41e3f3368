package io.asktell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.TextFormat;
import io.asktell.AsktellException.InvalidArgumentException;
import io.asktell.AsktellException.ResultConflictException;
import io.asktell.v1.Algorithm.KindCase;
import io.asktell.v1.Metric;
import io.asktell.v1.Parameter;
import io.asktell.v1.ParameterValue;
import io.asktell.v1.Scale;
import io.asktell.v1.Split;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;

class ValuesTest {
  @Test
  void valuesKeepTheirKind() {
    Params params =
        Params.of(
            Map.of("whole", 9007199254740993L, "real", 0.1, "one", 1.0, "name", "é", "on", true));
    assertEquals(params, Params.of(params.values()));
    assertEquals(params, Params.of(params.asMap()));
    assertEquals(9007199254740993L, params.getLong("whole"));
    assertEquals(ParameterValue.KindCase.DOUBLE_VALUE, params.values().get("one").getKindCase());
    assertEquals("{name=é, on=true, one=1.0, real=0.1, whole=9007199254740993}", params.toString());
  }

  @Test
  void paramsHaveDerivedParametersToo() {
    io.asktell.v1.Trial trial =
        io.asktell.v1.Trial.newBuilder()
            .putParameters("x", Params.value(4))
            .putDerivedParameters("twice", Params.value(8))
            .build();
    assertEquals(Params.of(Map.of("x", 4, "twice", 8)), Params.of(trial));
    io.asktell.v1.Study study =
        new StudyBuilder().parameter(Parameters.ofInt("x", 1, 9)).derived("twice", "2 * x").build();
    assertEquals("2 * x", study.getSearchSpace().getDerivedParameters(0).getExpression());
  }

  @Test
  void gettersNameTheMistake() {
    Params params = Params.of(Map.of("lr", 0.1));
    assertThrows(NoSuchElementException.class, () -> params.getDouble("rate"));
    assertThrows(ClassCastException.class, () -> params.getInt("lr"));
    InvalidArgumentException refused =
        assertThrows(
            InvalidArgumentException.class, () -> Params.of(Map.of("x", BigInteger.valueOf(1))));
    assertEquals("parameters[x]", refused.field());
  }

  @Test
  void standardErrorsStayWithTheirMetrics() {
    Metric noisy = Metrics.metric(2, 0.5);
    assertEquals(0.5, noisy.getStandardError());
    assertEquals(Metrics.of("a", 1, "b", 3), Metrics.of(Map.of("a", 1, "b", 3)));
    assertEquals(Map.of("b", noisy), Map.of("b", Metrics.metric(2, 0.5)));
    assertEquals(false, Metrics.of("a", 1).get("a").hasStandardError());
  }

  /** A field without a method of its own, such as the seed, is set on the message. */
  @Test
  void theHelpersBuildTheMessage() throws TextFormat.ParseException {
    io.asktell.v1.Study study =
        new StudyBuilder()
            .parameter(
                Parameters.ofFloat("lr", 1e-5, 1e-3, Scale.SCALE_LOG)
                    .setDefaultValue(Params.value(1e-4)))
            .parameter(Parameters.ofInt("layers", 1, 9).setPrior(Parameters.normalPrior(4, 0.25)))
            .parameter(Parameters.ofDiscrete("rank", 4, 8))
            .parameter(Parameters.ofDiscrete("p", 0, 0.5))
            .parameter(
                Parameters.ofCategorical("kind", "a", "b").setPrior(Parameters.weightsPrior(1, 3)))
            .parameter(Parameters.ofBool("tied").setDefaultValue(Params.value(true)))
            .maximize("accuracy")
            .track("loss", Split.SPLIT_TRAIN)
            .algorithm(KindCase.SOBOL)
            .maxTrials(5)
            .with(message -> message.setReplicates(3).setMaxStaleness(0).setSeed(7))
            .build();
    assertEquals(
        TextFormat.parse(
            """
            search_space {
              parameters {
                name: "lr"
                float_domain { min: 1e-5 max: 1e-3 scale: SCALE_LOG }
                default_value { double_value: 1e-4 }
              }
              parameters {
                name: "layers"
                int_domain { min: 1 max: 9 scale: SCALE_LINEAR }
                prior { normal { mean: 4 relative_standard_deviation: 0.25 } }
              }
              parameters {
                name: "rank"
                discrete_domain { values { int_value: 4 } values { int_value: 8 } }
              }
              parameters {
                name: "p"
                discrete_domain { values { double_value: 0 } values { double_value: 0.5 } }
              }
              parameters {
                name: "kind"
                categorical_domain { values: "a" values: "b" }
                prior { weights { weights: 1 weights: 3 } }
              }
              parameters { name: "tied" bool_domain {} default_value { bool_value: true } }
            }
            objectives { metric: "accuracy" goal: GOAL_MAXIMIZE }
            tracked_metrics { metric: "loss" split: SPLIT_TRAIN }
            algorithm { sobol {} }
            stopping_rules { max_trials: 5 }
            seed: 7
            max_staleness: 0
            replicates: 3
            """,
            io.asktell.v1.Study.class),
        study);
  }

  @Test
  void aParameterMayExistOnlyBesideCertainValues() throws TextFormat.ParseException {
    Parameter momentum =
        Parameters.ofFloat("momentum", 0, 0.99)
            .setCondition(Parameters.when("opt", "sgd"))
            .setDefaultValue(Params.value(0.9))
            .build();
    assertEquals(
        TextFormat.parse(
            """
            name: "momentum"
            float_domain { min: 0 max: 0.99 scale: SCALE_LINEAR }
            default_value { double_value: 0.9 }
            condition { parent: "opt" values { string_value: "sgd" } }
            """,
            Parameter.class),
        momentum);
    assertEquals(
        List.of(Params.value(2), Params.value(0.5), Params.value(true)),
        Parameters.when("other", 2, 0.5, true).getValuesList());
    InvalidArgumentException refused =
        assertThrows(
            InvalidArgumentException.class, () -> Parameters.when("opt", List.of("sgd", "adam")));
    assertEquals("when[opt]", refused.field());
  }

  @Test
  void longReasonsAreShortened() {
    String shortened = Trial.shortened("😀".repeat(5000));
    assertEquals(4096, shortened.codePointCount(0, shortened.length()));
  }

  @Test
  void storedMetricsAreRead() {
    assertEquals(
        Map.of("a", 0.5, "b", -2e-7), ResultConflictException.parse("{\"a\": 0.5, \"b\": -2e-07}"));
    assertEquals(Map.of(), ResultConflictException.parse("{\"a\": 0.5, \"b"));
  }
}
