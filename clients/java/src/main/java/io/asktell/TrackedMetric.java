package io.asktell;

/**
 * A metric that trials may log and that is never optimised.
 *
 * @param metric its name as trials tell it
 * @param split the data on which it is measured
 */
public record TrackedMetric(String metric, Split split) {}
