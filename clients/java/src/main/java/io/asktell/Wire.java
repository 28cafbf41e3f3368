package io.asktell;

import com.google.protobuf.Timestamp;
import io.asktell.v1.Metric;
import io.asktell.v1.ParameterValue;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/** Values, metrics and times, to and from messages. */
final class Wire {
  private static final int LONGEST_REASON = 4096; // characters

  private Wire() {}

  /** The id by which the server knows a retry from a new request. */
  static String requestId() {
    return UUID.randomUUID().toString();
  }

  /** Keeps a value's kind: an integer never becomes a double. */
  static ParameterValue value(Object value) {
    ParameterValue.Builder wire = ParameterValue.newBuilder();
    if (value instanceof Boolean bool) {
      wire.setBoolValue(bool);
    } else if (value instanceof String text) {
      wire.setStringValue(text);
    } else if (value instanceof Double number) {
      wire.setDoubleValue(number);
    } else {
      wire.setIntValue(((Number) value).longValue()); // Params has made all others Long
    }
    return wire.build();
  }

  /** Null for a kind that is newer than this client. */
  static Object value(ParameterValue wire) {
    return switch (wire.getKindCase()) {
      case DOUBLE_VALUE -> wire.getDoubleValue();
      case INT_VALUE -> wire.getIntValue();
      case STRING_VALUE -> wire.getStringValue();
      case BOOL_VALUE -> wire.getBoolValue();
      case KIND_NOT_SET -> null;
    };
  }

  static Map<String, ParameterValue> params(Params params) {
    Map<String, ParameterValue> wire = new LinkedHashMap<>();
    params.asMap().forEach((name, value) -> wire.put(name, value(value)));
    return wire;
  }

  static Params params(Map<String, ParameterValue> wire) {
    Map<String, Object> values = new TreeMap<>(); // messages have no order of their own
    wire.forEach(
        (name, value) -> {
          Object known = value(value);
          if (known != null) {
            values.put(name, known);
          }
        });
    return Params.of(values);
  }

  static Map<String, Metric> metrics(Metrics metrics) {
    Map<String, Metric> wire = new LinkedHashMap<>();
    metrics
        .asMap()
        .forEach(
            (name, value) -> {
              Metric.Builder metric = Metric.newBuilder().setValue(value);
              metrics.standardError(name).ifPresent(metric::setStandardError);
              wire.put(name, metric.build());
            });
    return wire;
  }

  static Metrics metrics(Map<String, Metric> wire) {
    Metrics metrics = Metrics.none();
    for (Map.Entry<String, Metric> each : new TreeMap<>(wire).entrySet()) {
      Metric metric = each.getValue();
      metrics =
          metric.hasStandardError()
              ? metrics.with(each.getKey(), metric.getValue(), metric.getStandardError())
              : metrics.with(each.getKey(), metric.getValue());
    }
    return metrics;
  }

  static Timestamp time(Instant time) {
    return Timestamp.newBuilder()
        .setSeconds(time.getEpochSecond())
        .setNanos(time.getNano())
        .build();
  }

  /** Null when it is not set. */
  static Instant time(boolean set, Timestamp wire) {
    return set ? Instant.ofEpochSecond(wire.getSeconds(), wire.getNanos()) : null;
  }

  static com.google.protobuf.Duration duration(Duration duration) {
    // Seconds and nanoseconds of a negative duration have the same sign on the wire, not in Java.
    long seconds = duration.getSeconds();
    int nanos = duration.getNano();
    if (seconds < 0 && nanos > 0) {
      seconds++;
      nanos -= 1_000_000_000;
    }
    return com.google.protobuf.Duration.newBuilder().setSeconds(seconds).setNanos(nanos).build();
  }

  static Duration duration(com.google.protobuf.Duration wire) {
    try {
      return Duration.ofSeconds(wire.getSeconds(), wire.getNanos());
    } catch (ArithmeticException | DateTimeException outOfRange) {
      return Duration.ZERO;
    }
  }

  /**
   * Keeps the text of a long error from being refused together with the result that it comes with.
   */
  static String shortened(String reason) {
    if (reason.codePointCount(0, reason.length()) <= LONGEST_REASON) {
      return reason;
    }
    return reason.substring(0, reason.offsetByCodePoints(0, LONGEST_REASON - 1)) + "…";
  }

  /** The number at the end of a trial's name; 0 when there is none. */
  static long trialNumber(String name) {
    String number = name.substring(name.lastIndexOf('/') + 1);
    return number.matches("[0-9]{1,18}") ? Long.parseLong(number) : 0;
  }
}
