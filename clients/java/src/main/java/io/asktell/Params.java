package io.asktell;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NoSuchElementException;

/**
 * A configuration: a value for each parameter, of type {@link Double}, {@link Long}, {@link String}
 * or {@link Boolean}. An int stays an int, and 0.1 stays 0.1. Immutable.
 *
 * <p>The getters are for programs that know the space: they throw {@link NoSuchElementException}
 * for a name that it does not have, and {@link ClassCastException} for a value of another kind.
 */
public final class Params {
  private final Map<String, Object> values;

  private Params(Map<String, Object> values) {
    this.values = Collections.unmodifiableMap(values);
  }

  /**
   * A configuration of one's own.
   *
   * @param values by parameter: any number, a String, or a Boolean
   * @throws InvalidArgumentException for a value of another type
   */
  public static Params of(Map<String, ?> values) {
    Map<String, Object> kept = new LinkedHashMap<>();
    values.forEach((name, value) -> kept.put(name, widened(name, value)));
    return new Params(kept);
  }

  private static Object widened(String name, Object value) {
    if (value instanceof Byte || value instanceof Short || value instanceof Integer) {
      return ((Number) value).longValue();
    }
    if (value instanceof Float number) {
      return number.doubleValue();
    }
    if (value instanceof Double
        || value instanceof Long
        || value instanceof String
        || value instanceof Boolean) {
      return value;
    }
    throw Failure.invalid(
        "parameters[" + name + "]", "must be a number, a string or a boolean, got " + value);
  }

  /** A number: of a float, int or discrete parameter. */
  public double getDouble(String name) {
    return find(name, Number.class).doubleValue();
  }

  /** A whole number: of an int parameter, or a discrete one of whole numbers. */
  public long getLong(String name) {
    return find(name, Long.class);
  }

  /**
   * A whole number that fits an {@code int}.
   *
   * @throws ArithmeticException when it does not
   */
  public int getInt(String name) {
    return Math.toIntExact(getLong(name));
  }

  /** The value of a categorical parameter. */
  public String getString(String name) {
    return find(name, String.class);
  }

  /** The value of a bool parameter. */
  public boolean getBoolean(String name) {
    return find(name, Boolean.class);
  }

  private <T> T find(String name, Class<T> type) {
    Object value = values.get(name);
    if (value == null) {
      throw new NoSuchElementException("no parameter " + name + " in " + values);
    }
    if (!type.isInstance(value)) {
      throw new ClassCastException(
          "parameter " + name + " is a " + value.getClass().getSimpleName() + ": " + value);
    }
    return type.cast(value);
  }

  /** The values by parameter. */
  public Map<String, Object> asMap() {
    return values;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Params that && values.equals(that.values);
  }

  @Override
  public int hashCode() {
    return values.hashCode();
  }

  @Override
  public String toString() {
    return values.toString();
  }
}
