package io.asktell;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * Measured values by name, with standard errors where they are known. Immutable.
 *
 * <p>NaN and infinities are for the server to refuse, in the same words everywhere.
 */
public final class Metrics {
  private static final Metrics NONE = new Metrics(Map.of(), Map.of());

  private final Map<String, Double> values;
  private final Map<String, Double> standardErrors;

  private Metrics(Map<String, Double> values, Map<String, Double> standardErrors) {
    this.values = Collections.unmodifiableMap(values);
    this.standardErrors = Collections.unmodifiableMap(standardErrors);
  }

  /** No metrics at all. */
  public static Metrics none() {
    return NONE;
  }

  /** One metric. */
  public static Metrics of(String name, double value) {
    return NONE.with(name, value);
  }

  /** Two metrics. */
  public static Metrics of(String name, double value, String other, double otherValue) {
    return NONE.with(name, value).with(other, otherValue);
  }

  /** As many metrics as the map has. */
  public static Metrics of(Map<String, Double> values) {
    return new Metrics(new LinkedHashMap<>(values), Map.of());
  }

  /** These metrics and one more, or one with another value and no standard error. */
  public Metrics with(String name, double value) {
    Map<String, Double> more = new LinkedHashMap<>(values);
    more.put(Objects.requireNonNull(name, "name"), value);
    Map<String, Double> errors = new LinkedHashMap<>(standardErrors);
    errors.remove(name);
    return new Metrics(more, errors);
  }

  /** These metrics and one more with its standard error. */
  public Metrics with(String name, double value, double standardError) {
    Metrics more = with(name, value);
    Map<String, Double> errors = new LinkedHashMap<>(more.standardErrors);
    errors.put(name, standardError);
    return new Metrics(more.values, errors);
  }

  /** A metric's value; empty when there is none of that name. */
  public OptionalDouble get(String name) {
    return optional(values.get(name));
  }

  /** A metric's standard error; empty when none is known. */
  public OptionalDouble standardError(String name) {
    return optional(standardErrors.get(name));
  }

  /** The values by name. */
  public Map<String, Double> asMap() {
    return values;
  }

  /** Whether there are none. */
  public boolean isEmpty() {
    return values.isEmpty();
  }

  private static OptionalDouble optional(Double value) {
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Metrics that
        && values.equals(that.values)
        && standardErrors.equals(that.standardErrors);
  }

  @Override
  public int hashCode() {
    return Objects.hash(values, standardErrors);
  }

  @Override
  public String toString() {
    return values.toString();
  }
}
