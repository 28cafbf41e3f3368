package io.asktell;

import io.asktell.v1.AnyStopping;
import io.asktell.v1.AutoStopping;
import io.asktell.v1.EarlyStopping;
import io.asktell.v1.HyperbandStopping;
import io.asktell.v1.MedianStopping;
import io.asktell.v1.PatienceStopping;
import io.asktell.v1.PercentileStopping;
import io.asktell.v1.SuccessiveHalvingStopping;
import io.asktell.v1.ThresholdStopping;
import io.asktell.v1.WilcoxonStopping;

/**
 * Begins rules of early stopping, for {@link StudyBuilder#earlyStopping}: when the answer to a
 * report says that a trial should stop. What comes back is the message's own builder, for what all
 * rules share: {@code EarlyStoppingRules.median(3).setMetric("val_loss").setGraceTrials(10)}.
 */
public final class EarlyStoppingRules {
  private EarlyStoppingRules() {}

  /**
   * Stops a trial that has hardly a chance to end better than the best one, by a model of the
   * curves, from the step {@code minSteps} on.
   */
  public static EarlyStopping.Builder auto(long minSteps) {
    return rule().setAuto(AutoStopping.newBuilder().setMinSteps(minSteps));
  }

  /**
   * Stops a trial that is worse than the best one over the steps that both have reported, by
   * Wilcoxon's signed ranks: for folds of a cross-validation and other repetitions.
   */
  public static EarlyStopping.Builder wilcoxon() {
    return rule().setWilcoxon(WilcoxonStopping.getDefaultInstance());
  }

  /**
   * Stops a trial that is worse than the median of the others at the same step, from the step
   * {@code minSteps} on.
   */
  public static EarlyStopping.Builder median(long minSteps) {
    return rule().setMedian(MedianStopping.newBuilder().setMinSteps(minSteps));
  }

  /**
   * Stops a trial that is not among the best {@code percent} percent of the others at the same
   * step, from the step {@code minSteps} on.
   */
  public static EarlyStopping.Builder percentile(double percent, long minSteps) {
    return rule()
        .setPercentile(
            PercentileStopping.newBuilder().setPercentile(percent).setMinSteps(minSteps));
  }

  /** Stops a trial that reports a value above the bound, from the step {@code minSteps} on. */
  public static EarlyStopping.Builder above(double bound, long minSteps) {
    return rule().setThreshold(ThresholdStopping.newBuilder().setMax(bound).setMinSteps(minSteps));
  }

  /** Stops a trial that reports a value below the bound, from the step {@code minSteps} on. */
  public static EarlyStopping.Builder below(double bound, long minSteps) {
    return rule().setThreshold(ThresholdStopping.newBuilder().setMin(bound).setMinSteps(minSteps));
  }

  /**
   * Stops a trial that has not bettered its own best value by more than {@code minGain} for so many
   * steps.
   */
  public static EarlyStopping.Builder patience(long patienceSteps, double minGain) {
    return rule()
        .setPatience(
            PatienceStopping.newBuilder().setPatienceSteps(patienceSteps).setMinGain(minGain));
  }

  /**
   * Lets one in three trials go on at each rung (asynchronously, Li et al. 2020). Rungs are at
   * {@code minSteps}, three times as many, and so on; the rule's builder sets another factor.
   */
  public static EarlyStopping.Builder successiveHalving(long minSteps) {
    return rule()
        .setSuccessiveHalving(SuccessiveHalvingStopping.newBuilder().setMinSteps(minSteps));
  }

  /**
   * Successive halving in brackets that begin at later and later rungs (Li et al. 2018), for curves
   * that cross. A trial that is not stopped has {@code maxSteps} steps.
   */
  public static EarlyStopping.Builder hyperband(long minSteps, long maxSteps) {
    return rule()
        .setHyperband(HyperbandStopping.newBuilder().setMinSteps(minSteps).setMaxSteps(maxSteps));
  }

  /** Several rules, of which the first that holds stops a trial. */
  public static EarlyStopping.Builder any(EarlyStopping.Builder... rules) {
    AnyStopping.Builder all = AnyStopping.newBuilder();
    for (EarlyStopping.Builder each : rules) {
      all.addRules(each);
    }
    return rule().setAny(all);
  }

  private static EarlyStopping.Builder rule() {
    return EarlyStopping.newBuilder();
  }
}
