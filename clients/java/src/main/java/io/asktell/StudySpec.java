package io.asktell;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a study is created with. Numbers that make no sense are for the server to refuse, in the
 * same words everywhere.
 *
 * @param space what may be varied, in the order in which tables show it
 * @param objectives what is optimised: exactly one for now
 * @param metrics further metrics that trials may log; never optimised
 * @param algorithm how configurations are found
 * @param maxTrials the budget: the study ends when so many trials have ended; null = no limit
 * @param target the study ends when the objective reaches it; null = none
 * @param patience the study ends when so many trials in a row did not better the best one; null =
 *     never
 * @param deadline the study ends at this time; null = never
 * @param lease how long a trial stays with a worker that is not heard of; zero = for ever, null =
 *     60 s
 * @param maxAttempts how many times a trial is started before it is given up; 0 = 3
 * @param maxRunning the most trials that run at once; 0 = no limit
 * @param replicates how many times each configuration may be tried, for results that differ from
 *     run to run; 0 = once
 * @param maxStaleness the most trials that may end between the making of a suggestion and its
 *     start; 0 = every suggestion knows all results, null = 0 with fewer than 6 trials running,
 *     above that by how unexpected results are
 * @param seed of everything random in the study; null = the server draws one
 * @param displayName a title for people
 * @param labels short values to filter by
 * @param annotations free values, up to 64 KiB in all
 */
public record StudySpec(
    List<Parameter> space,
    List<Objective> objectives,
    List<TrackedMetric> metrics,
    Algorithm algorithm,
    Integer maxTrials,
    Double target,
    Integer patience,
    Instant deadline,
    Duration lease,
    int maxAttempts,
    int maxRunning,
    int replicates,
    Integer maxStaleness,
    Long seed,
    String displayName,
    Map<String, String> labels,
    Map<String, String> annotations) {

  /** Copies lists and maps. */
  public StudySpec {
    space = List.copyOf(space);
    objectives = List.copyOf(objectives);
    metrics = List.copyOf(metrics);
    labels = Map.copyOf(labels);
    annotations = Map.copyOf(annotations);
  }

  /** A specification with nothing in it yet. */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects a specification. What is not set stays at the server's defaults. */
  public static final class Builder {
    private final List<Parameter> space = new ArrayList<>();
    private final List<Objective> objectives = new ArrayList<>();
    private final List<TrackedMetric> metrics = new ArrayList<>();
    private final Map<String, String> labels = new LinkedHashMap<>();
    private final Map<String, String> annotations = new LinkedHashMap<>();
    private Algorithm algorithm = new Algorithm.Auto();
    private Integer maxTrials;
    private Double target;
    private Integer patience;
    private Instant deadline;
    private Duration lease;
    private int maxAttempts;
    private int maxRunning;
    private int replicates;
    private Integer maxStaleness;
    private Long seed;
    private String displayName = "";

    private Builder() {}

    /** Adds a parameter. */
    public Builder parameter(Parameter parameter) {
      space.add(parameter);
      return this;
    }

    /** Adds an objective of which less is better, on validation data. */
    public Builder minimize(String metric) {
      return objective(Objective.minimize(metric));
    }

    /** Adds an objective of which more is better, on validation data. */
    public Builder maximize(String metric) {
      return objective(Objective.maximize(metric));
    }

    /** Adds an objective. */
    public Builder objective(Objective objective) {
      objectives.add(objective);
      return this;
    }

    /** Adds a metric that trials may log, measured on validation data. */
    public Builder track(String metric) {
      return track(metric, Split.VALIDATION);
    }

    /** Adds a metric that trials may log. */
    public Builder track(String metric, Split split) {
      metrics.add(new TrackedMetric(metric, split));
      return this;
    }

    /** Sets how configurations are found. */
    public Builder algorithm(Algorithm chosen) {
      algorithm = chosen;
      return this;
    }

    /** Sets the budget: the study ends when so many trials have ended. */
    public Builder maxTrials(int trials) {
      maxTrials = trials;
      return this;
    }

    /** Ends the study when the objective reaches a value. */
    public Builder target(double value) {
      target = value;
      return this;
    }

    /** Ends the study when so many trials in a row did not better the best one. */
    public Builder patience(int trials) {
      patience = trials;
      return this;
    }

    /** Ends the study at a time. */
    public Builder deadline(Instant time) {
      deadline = time;
      return this;
    }

    /** Sets how long a trial stays with a worker that is not heard of; zero = for ever. */
    public Builder lease(Duration duration) {
      lease = duration;
      return this;
    }

    /** Sets how many times a trial is started before it is given up. */
    public Builder maxAttempts(int attempts) {
      maxAttempts = attempts;
      return this;
    }

    /** Sets the most trials that run at once. */
    public Builder maxRunning(int trials) {
      maxRunning = trials;
      return this;
    }

    /**
     * Sets how many times each configuration may be tried, where results differ from run to run.
     */
    public Builder replicates(int times) {
      replicates = times;
      return this;
    }

    /** Sets the most trials that may end between the making of a suggestion and its start. */
    public Builder maxStaleness(int trials) {
      maxStaleness = trials;
      return this;
    }

    /** Sets the seed of everything random in the study. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** Sets a title for people. */
    public Builder displayName(String name) {
      displayName = name;
      return this;
    }

    /** Adds a short value to filter by. */
    public Builder label(String key, String value) {
      labels.put(key, value);
      return this;
    }

    /** Adds a free value. */
    public Builder annotation(String key, String value) {
      annotations.put(key, value);
      return this;
    }

    /** The specification. */
    public StudySpec build() {
      return new StudySpec(
          space,
          objectives,
          metrics,
          algorithm,
          maxTrials,
          target,
          patience,
          deadline,
          lease,
          maxAttempts,
          maxRunning,
          replicates,
          maxStaleness,
          seed,
          displayName,
          labels,
          annotations);
    }
  }
}
