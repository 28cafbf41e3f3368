package io.asktell;

import io.asktell.v1.AutoAlgorithm;
import io.asktell.v1.BayesianAlgorithm;
import io.asktell.v1.GridAlgorithm;
import io.asktell.v1.LeasePolicy;
import io.asktell.v1.ManualAlgorithm;
import io.asktell.v1.RandomAlgorithm;
import io.asktell.v1.SobolAlgorithm;
import io.asktell.v1.StoppingRules;
import java.time.Duration;
import java.util.List;

/** Specifications of studies, to and from messages. */
final class SpecCodec {
  private static final Duration DEFAULT_LEASE = Duration.ofSeconds(60);
  private static final int DEFAULT_ATTEMPTS = 3;
  private static final int DEFAULT_LEVELS = 5;
  private static final int DEFAULT_START_TRIALS = 5;

  private SpecCodec() {}

  static io.asktell.v1.Study encode(StudySpec spec) {
    StoppingRules.Builder rules = StoppingRules.newBuilder();
    if (spec.maxTrials() != null) {
      rules.setMaxTrials(spec.maxTrials());
    }
    if (spec.target() != null) {
      rules.setTargetValue(spec.target());
    }
    if (spec.patience() != null) {
      rules.setPatienceTrials(spec.patience());
    }
    if (spec.deadline() != null) {
      rules.setDeadline(Wire.time(spec.deadline()));
    }
    LeasePolicy.Builder lease = LeasePolicy.newBuilder().setMaxAttempts(spec.maxAttempts());
    if (spec.lease() != null) {
      lease.setLeaseDuration(Wire.duration(spec.lease()));
    }
    io.asktell.v1.Study.Builder wire =
        io.asktell.v1.Study.newBuilder()
            .setDisplayName(spec.displayName())
            .setSearchSpace(SpaceCodec.encode(spec.space()))
            .addAllObjectives(objectives(spec.objectives()))
            .setAlgorithm(algorithm(spec.algorithm()))
            .setStoppingRules(rules)
            .setLeasePolicy(lease)
            .setMaxRunningTrials(spec.maxRunning())
            .setReplicates(spec.replicates())
            .putAllLabels(spec.labels())
            .putAllAnnotations(spec.annotations());
    for (TrackedMetric metric : spec.metrics()) {
      wire.addTrackedMetrics(
          io.asktell.v1.TrackedMetric.newBuilder()
              .setMetric(metric.metric())
              .setSplit(split(metric.split())));
    }
    if (spec.maxStaleness() != null) {
      wire.setMaxStaleness(spec.maxStaleness());
    }
    if (spec.seed() != null) {
      wire.setSeed(spec.seed());
    }
    return wire.build();
  }

  static List<io.asktell.v1.Objective> objectives(List<Objective> objectives) {
    return objectives.stream()
        .map(
            objective ->
                io.asktell.v1.Objective.newBuilder()
                    .setMetric(objective.metric())
                    .setGoal(goal(objective.goal()))
                    .setSplit(split(objective.split()))
                    .build())
        .toList();
  }

  static io.asktell.v1.Algorithm algorithm(Algorithm algorithm) {
    io.asktell.v1.Algorithm.Builder wire = io.asktell.v1.Algorithm.newBuilder();
    if (algorithm instanceof Algorithm.Manual) {
      wire.setManual(ManualAlgorithm.getDefaultInstance());
    } else if (algorithm instanceof Algorithm.Random) {
      wire.setRandom(RandomAlgorithm.getDefaultInstance());
    } else if (algorithm instanceof Algorithm.Sobol) {
      wire.setSobol(SobolAlgorithm.getDefaultInstance());
    } else if (algorithm instanceof Algorithm.Bayesian bayesian) {
      wire.setBayesian(BayesianAlgorithm.newBuilder().setStartTrials(bayesian.startTrials()));
    } else if (algorithm instanceof Algorithm.Grid grid) {
      wire.setGrid(
          GridAlgorithm.newBuilder()
              .setDefaultLevels(grid.defaultLevels())
              .putAllLevels(grid.levels()));
    } else {
      wire.setAuto(AutoAlgorithm.getDefaultInstance());
    }
    return wire.build();
  }

  private static io.asktell.v1.Split split(Split split) {
    return split == null
        ? io.asktell.v1.Split.SPLIT_UNSPECIFIED
        : io.asktell.v1.Split.valueOf("SPLIT_" + split.name());
  }

  // Null is for the server to refuse: it names the field.
  private static io.asktell.v1.Goal goal(Goal goal) {
    return goal == null
        ? io.asktell.v1.Goal.GOAL_UNSPECIFIED
        : io.asktell.v1.Goal.valueOf("GOAL_" + goal.name());
  }

  /** Fills the defaults in, so that what a server wrote out equals what a program left out. */
  static StudySpec decode(io.asktell.v1.Study wire) {
    StoppingRules rules = wire.getStoppingRules();
    LeasePolicy policy = wire.getLeasePolicy();
    return new StudySpec(
        SpaceCodec.decode(wire.getSearchSpace()),
        wire.getObjectivesList().stream()
            .map(each -> new Objective(each.getMetric(), goal(each), split(each.getSplit())))
            .toList(),
        wire.getTrackedMetricsList().stream()
            .map(each -> new TrackedMetric(each.getMetric(), split(each.getSplit())))
            .toList(),
        algorithm(wire.getAlgorithm()),
        rules.hasMaxTrials() ? rules.getMaxTrials() : null,
        rules.hasTargetValue() ? rules.getTargetValue() : null,
        rules.hasPatienceTrials() ? rules.getPatienceTrials() : null,
        Wire.time(rules.hasDeadline(), rules.getDeadline()),
        policy.hasLeaseDuration() ? Wire.duration(policy.getLeaseDuration()) : DEFAULT_LEASE,
        policy.getMaxAttempts() == 0 ? DEFAULT_ATTEMPTS : policy.getMaxAttempts(),
        wire.getMaxRunningTrials(),
        Math.max(wire.getReplicates(), 1), // 0: a server that knows of none
        wire.hasMaxStaleness() ? wire.getMaxStaleness() : null,
        wire.hasSeed() ? wire.getSeed() : null,
        wire.getDisplayName(),
        wire.getLabelsMap(),
        wire.getAnnotationsMap());
  }

  private static Algorithm algorithm(io.asktell.v1.Algorithm wire) {
    return switch (wire.getKindCase()) {
      case MANUAL -> new Algorithm.Manual();
      case RANDOM -> new Algorithm.Random();
      case SOBOL -> new Algorithm.Sobol();
      case BAYESIAN -> {
        int trials = wire.getBayesian().getStartTrials();
        yield new Algorithm.Bayesian(trials == 0 ? DEFAULT_START_TRIALS : trials);
      }
      case GRID -> {
        int levels = wire.getGrid().getDefaultLevels();
        yield new Algorithm.Grid(
            levels == 0 ? DEFAULT_LEVELS : levels, wire.getGrid().getLevelsMap());
      }
      default -> new Algorithm.Auto();
    };
  }

  private static Goal goal(io.asktell.v1.Objective wire) {
    return wire.getGoal() == io.asktell.v1.Goal.GOAL_MAXIMIZE ? Goal.MAXIMIZE : Goal.MINIMIZE;
  }

  private static Split split(io.asktell.v1.Split wire) {
    return switch (wire) {
      case SPLIT_TRAIN -> Split.TRAIN;
      case SPLIT_TEST -> Split.TEST;
      default -> Split.VALIDATION;
    };
  }
}
