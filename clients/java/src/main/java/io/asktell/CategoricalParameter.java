package io.asktell;

import java.util.List;

/**
 * One of 2 to 1,000 names without an order.
 *
 * @param name unique in the study
 * @param values the names
 * @param defaultValue null = none
 */
public record CategoricalParameter(String name, List<String> values, String defaultValue)
    implements Parameter {

  /** Copies the list. */
  public CategoricalParameter {
    values = List.copyOf(values);
  }

  /** One of several names. */
  public static CategoricalParameter of(String name, String... values) {
    return new CategoricalParameter(name, List.of(values), null);
  }

  /** The same with a default. */
  public CategoricalParameter withDefault(String value) {
    return new CategoricalParameter(name, values, value);
  }
}
