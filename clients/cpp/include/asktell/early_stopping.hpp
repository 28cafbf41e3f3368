#pragma once

#include <asktell/v1/study.pb.h>

#include <vector>

/// @file
/// When a running trial is told to stop: `*study.mutable_early_stopping() = asktell::median_stopping(3);`. What else a
/// rule may have are fields of the message: metric, goal, grace_trials, interval_steps.

namespace asktell {

/// Stops a trial that has hardly a chance to end better than the best one, by a model of the curves, from the step
/// min_steps on.
inline v1::EarlyStopping auto_stopping(std::int64_t min_steps = 0) {
  v1::EarlyStopping stopping;
  stopping.mutable_auto_()->set_min_steps(min_steps);
  return stopping;
}

/// Stops a trial that is worse than the best one over the steps that both have reported, by Wilcoxon's signed ranks:
/// for folds of a cross-validation and other repetitions.
inline v1::EarlyStopping wilcoxon_stopping() {
  v1::EarlyStopping stopping;
  stopping.mutable_wilcoxon();
  return stopping;
}

/// Stops a trial that is worse than the median of the others at the same step, from the step min_steps on.
inline v1::EarlyStopping median_stopping(std::int64_t min_steps = 0) {
  v1::EarlyStopping stopping;
  stopping.mutable_median()->set_min_steps(min_steps);
  return stopping;
}

/// Stops a trial that is not among the best percent of the others at the same step, from the step min_steps on.
inline v1::EarlyStopping percentile_stopping(double percent, std::int64_t min_steps = 0) {
  v1::EarlyStopping stopping;
  stopping.mutable_percentile()->set_percentile(percent);
  stopping.mutable_percentile()->set_min_steps(min_steps);
  return stopping;
}

/// Stops a trial that reports a value above the bound, from the step min_steps on.
inline v1::EarlyStopping stopping_above(double bound, std::int64_t min_steps = 0) {
  v1::EarlyStopping stopping;
  stopping.mutable_threshold()->set_max(bound);
  stopping.mutable_threshold()->set_min_steps(min_steps);
  return stopping;
}

/// Stops a trial that reports a value below the bound, from the step min_steps on.
inline v1::EarlyStopping stopping_below(double bound, std::int64_t min_steps = 0) {
  v1::EarlyStopping stopping;
  stopping.mutable_threshold()->set_min(bound);
  stopping.mutable_threshold()->set_min_steps(min_steps);
  return stopping;
}

/// Stops a trial that has not bettered its own best value by more than min_gain for so many steps.
inline v1::EarlyStopping patience_stopping(std::int64_t patience_steps, double min_gain = 0) {
  v1::EarlyStopping stopping;
  stopping.mutable_patience()->set_patience_steps(patience_steps);
  stopping.mutable_patience()->set_min_gain(min_gain);
  return stopping;
}

/// Lets one in three trials go on at each rung (asynchronously, Li et al. 2020). Rungs are at min_steps, three times as
/// many, and so on.
inline v1::EarlyStopping successive_halving(std::int64_t min_steps = 1) {
  v1::EarlyStopping stopping;
  stopping.mutable_successive_halving()->set_min_steps(min_steps);
  return stopping;
}

/// Successive halving in brackets that begin at later and later rungs (Li et al. 2018), for curves that cross. A trial
/// that is not stopped has max_steps steps.
inline v1::EarlyStopping hyperband(std::int64_t max_steps, std::int64_t min_steps = 1) {
  v1::EarlyStopping stopping;
  stopping.mutable_hyperband()->set_min_steps(min_steps);
  stopping.mutable_hyperband()->set_max_steps(max_steps);
  return stopping;
}

/// Several rules, of which the first that holds stops a trial.
inline v1::EarlyStopping any_stopping(const std::vector<v1::EarlyStopping>& rules) {
  v1::EarlyStopping stopping;
  *stopping.mutable_any()->mutable_rules() = {rules.begin(), rules.end()};
  return stopping;
}

}  // namespace asktell
