package io.asktell;

import io.asktell.v1.ParameterValue;
import io.asktell.v1.Suggestion;
import java.util.Collections;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.TreeMap;

/**
 * A configuration: typed access to a map of {@link ParameterValue}, as it stands in trials and
 * suggestions. An int stays an int, and 0.1 stays 0.1. Immutable.
 *
 * <p>The getters are for programs that know the space: they throw {@link NoSuchElementException}
 * for a parameter that has no value, and {@link ClassCastException} for a value of another kind.
 *
 * @param values by parameter, as messages have them
 */
public record Params(Map<String, ParameterValue> values) {
  /** Copies the map. */
  public Params {
    values = Collections.unmodifiableMap(new TreeMap<>(values)); // messages have no order
  }

  /** The configuration of a trial, with its derived parameters. */
  public static Params of(io.asktell.v1.Trial trial) {
    return of(trial.getParametersMap(), trial.getDerivedParametersMap());
  }

  /** The configuration of a suggestion, with its derived parameters. */
  public static Params of(Suggestion suggestion) {
    return of(suggestion.getParametersMap(), suggestion.getDerivedParametersMap());
  }

  private static Params of(
      Map<String, ParameterValue> values, Map<String, ParameterValue> derived) {
    Map<String, ParameterValue> all = new TreeMap<>(values);
    all.putAll(derived);
    return new Params(all);
  }

  /**
   * A configuration out of any map of values.
   *
   * @param values by parameter, each as {@link #value} takes it
   * @throws AsktellException.InvalidArgumentException for a value of another type
   */
  public static Params of(Map<String, ?> values) {
    Map<String, ParameterValue> messages = new TreeMap<>();
    values.forEach((name, value) -> messages.put(name, message("parameters[" + name + "]", value)));
    return new Params(messages);
  }

  /**
   * One value as a message, for example the default of a parameter.
   *
   * @param value any int, any real number, a String, a Boolean, or a {@link ParameterValue} itself
   * @throws AsktellException.InvalidArgumentException for a value of another type
   */
  public static ParameterValue value(Object value) {
    return message("value", value);
  }

  static ParameterValue message(String field, Object value) {
    ParameterValue.Builder message = ParameterValue.newBuilder();
    if (value instanceof ParameterValue ready) {
      return ready;
    } else if (value instanceof Double || value instanceof Float) {
      message.setDoubleValue(((Number) value).doubleValue());
    } else if (value instanceof Long
        || value instanceof Integer
        || value instanceof Short
        || value instanceof Byte) {
      message.setIntValue(((Number) value).longValue());
    } else if (value instanceof String text) {
      message.setStringValue(text);
    } else if (value instanceof Boolean bool) {
      message.setBoolValue(bool);
    } else {
      throw Failure.invalid(field, "must be a number, a string or a boolean, got " + value);
    }
    return message.build();
  }

  /** Whether the parameter has a value. */
  public boolean has(String name) {
    return values.containsKey(name);
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
    Object value = has(name) ? plain(values.get(name)) : null;
    if (value == null) {
      throw new NoSuchElementException("parameter " + name + " has no value in " + this);
    }
    if (!type.isInstance(value)) {
      throw new ClassCastException(
          "parameter " + name + " is a " + value.getClass().getSimpleName() + ": " + value);
    }
    return type.cast(value);
  }

  /** Null for a kind that is newer than this client. */
  private static Object plain(ParameterValue value) {
    return switch (value.getKindCase()) {
      case DOUBLE_VALUE -> value.getDoubleValue();
      case INT_VALUE -> value.getIntValue();
      case STRING_VALUE -> value.getStringValue();
      case BOOL_VALUE -> value.getBoolValue();
      case KIND_NOT_SET -> null;
    };
  }

  /** The values by parameter, each a {@link Double}, {@link Long}, String or Boolean. */
  public Map<String, Object> asMap() {
    Map<String, Object> plain = new TreeMap<>();
    values.forEach((name, value) -> plain.put(name, plain(value)));
    return plain;
  }

  @Override
  public String toString() {
    return asMap().toString();
  }
}
