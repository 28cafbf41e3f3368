package io.asktell;

import java.util.Arrays;
import java.util.List;

/**
 * One of 2 to 1,000 numbers in rising order, whose distances do not matter.
 *
 * @param name unique in the study
 * @param values all {@link Long} or all {@link Double}: trials get values of the same type
 * @param defaultValue of the type of the values; null = none
 */
public record DiscreteParameter(String name, List<? extends Number> values, Number defaultValue)
    implements Parameter {

  /** Copies the list. */
  public DiscreteParameter {
    values = List.copyOf(values);
  }

  /** One of several whole numbers. */
  public static DiscreteParameter of(String name, long... values) {
    return new DiscreteParameter(name, Arrays.stream(values).boxed().toList(), null);
  }

  /** One of several real numbers. */
  public static DiscreteParameter of(String name, double... values) {
    return new DiscreteParameter(name, Arrays.stream(values).boxed().toList(), null);
  }

  /** The same with a default. */
  public DiscreteParameter withDefault(long value) {
    return new DiscreteParameter(name, values, value);
  }

  /** The same with a default. */
  public DiscreteParameter withDefault(double value) {
    return new DiscreteParameter(name, values, value);
  }
}
