package io.asktell;

import io.asktell.v1.BoolDomain;
import io.asktell.v1.CategoricalDomain;
import io.asktell.v1.Condition;
import io.asktell.v1.DiscreteDomain;
import io.asktell.v1.FloatDomain;
import io.asktell.v1.IntDomain;
import io.asktell.v1.NormalPrior;
import io.asktell.v1.Parameter;
import io.asktell.v1.Prior;
import io.asktell.v1.Scale;
import io.asktell.v1.WeightsPrior;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Begins parameters of a search space. What comes back is the message's own builder, for whatever
 * else a parameter has: {@code Parameters.ofInt("layers", 1, 9).setDefaultValue(Params.value(3))}.
 * One with {@code setContext(true)} is never chosen by the server: every ask states it, see {@link
 * Study#ask(java.util.Map)}.
 *
 * <p>Names are unique in the study. The server judges names, ranges and numbers of values.
 */
public final class Parameters {
  private Parameters() {}

  /** A real number in [min, max], all differences of which matter equally. */
  public static Parameter.Builder ofFloat(String name, double min, double max) {
    return ofFloat(name, min, max, Scale.SCALE_LINEAR);
  }

  /** A real number in [min, max] on a scale, such as {@link Scale#SCALE_LOG}. */
  public static Parameter.Builder ofFloat(String name, double min, double max, Scale scale) {
    return named(name)
        .setFloatDomain(FloatDomain.newBuilder().setMin(min).setMax(max).setScale(scale));
  }

  /** A whole number in [min, max], both within ±2^53. */
  public static Parameter.Builder ofInt(String name, long min, long max) {
    return ofInt(name, min, max, Scale.SCALE_LINEAR);
  }

  /** A whole number in [min, max] on a scale, such as {@link Scale#SCALE_LOG}. */
  public static Parameter.Builder ofInt(String name, long min, long max, Scale scale) {
    return named(name).setIntDomain(IntDomain.newBuilder().setMin(min).setMax(max).setScale(scale));
  }

  /** One of 2 to 1,000 whole numbers in rising order, whose distances do not matter. */
  public static Parameter.Builder ofDiscrete(String name, long... values) {
    return discrete(name, Arrays.stream(values).boxed());
  }

  /** One of 2 to 1,000 real numbers in rising order, whose distances do not matter. */
  public static Parameter.Builder ofDiscrete(String name, double... values) {
    return discrete(name, Arrays.stream(values).boxed());
  }

  private static Parameter.Builder discrete(String name, Stream<? extends Number> values) {
    DiscreteDomain.Builder domain = DiscreteDomain.newBuilder();
    values.map(Params::value).forEach(domain::addValues);
    return named(name).setDiscreteDomain(domain);
  }

  /** One of 2 to 1,000 names without an order. */
  public static Parameter.Builder ofCategorical(String name, String... values) {
    return named(name)
        .setCategoricalDomain(CategoricalDomain.newBuilder().addAllValues(List.of(values)));
  }

  /** True or false. */
  public static Parameter.Builder ofBool(String name) {
    return named(name).setBoolDomain(BoolDomain.getDefaultInstance());
  }

  /**
   * The condition of a parameter that exists only while another one has one of the values: {@code
   * ofFloat("momentum", 0, 0.99).setCondition(when("opt", "sgd"))}. Configurations of other values
   * do not have it. The other one has finitely many values, and may itself have a condition.
   *
   * @param parent the name of the other parameter
   * @param values each as {@link Params#value} takes it
   * @throws AsktellException.InvalidArgumentException for a value of another type
   */
  public static Condition when(String parent, Object... values) {
    Condition.Builder condition = Condition.newBuilder().setParent(parent);
    for (Object value : values) {
      condition.addValues(Params.message("when[" + parent + "]", value));
    }
    return condition.build();
  }

  /**
   * Good values are believed to lie around {@code mean}, for {@code setPrior} of float, int and
   * discrete parameters. The standard deviation is a fraction of the range on the parameter's own
   * scale, in (0, 1].
   */
  public static Prior normalPrior(double mean, double relativeStandardDeviation) {
    NormalPrior.Builder normal =
        NormalPrior.newBuilder()
            .setMean(mean)
            .setRelativeStandardDeviation(relativeStandardDeviation);
    return Prior.newBuilder().setNormal(normal).build();
  }

  /**
   * How likely each value is to be a good one, in the domain's order (false before true), for
   * {@code setPrior} of discrete, categorical and bool parameters. Weights are at least 0 and need
   * not sum to 1.
   */
  public static Prior weightsPrior(double... weights) {
    WeightsPrior.Builder builder = WeightsPrior.newBuilder();
    Arrays.stream(weights).forEach(builder::addWeights);
    return Prior.newBuilder().setWeights(builder).build();
  }

  private static Parameter.Builder named(String name) {
    return Parameter.newBuilder().setName(name);
  }
}
