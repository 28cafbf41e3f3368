package io.asktell;

import io.asktell.v1.Metric;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Makes the metrics that trials report and tell. They are maps of {@link Metric}, as in {@code
 * trial.info().getMetricsMap()}; the server refuses NaN and infinities.
 */
public final class Metrics {
  private Metrics() {}

  /** No metrics at all. */
  public static Map<String, Metric> none() {
    return Map.of();
  }

  /** One metric. */
  public static Map<String, Metric> of(String name, double value) {
    return Map.of(name, metric(value));
  }

  /** Two metrics. */
  public static Map<String, Metric> of(String name, double value, String other, double otherValue) {
    return Map.of(name, metric(value), other, metric(otherValue));
  }

  /** As many metrics as the map has. */
  public static Map<String, Metric> of(Map<String, ? extends Number> values) {
    Map<String, Metric> metrics = new LinkedHashMap<>();
    values.forEach((name, value) -> metrics.put(name, metric(value.doubleValue())));
    return metrics;
  }

  /** One value, for a map of one's own. */
  public static Metric metric(double value) {
    return Metric.newBuilder().setValue(value).build();
  }

  /** One value whose standard error is known: a number of at least 0. */
  public static Metric metric(double value, double standardError) {
    return Metric.newBuilder().setValue(value).setStandardError(standardError).build();
  }
}
