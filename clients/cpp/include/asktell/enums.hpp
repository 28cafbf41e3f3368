#pragma once

#include <string_view>

/// @file
/// Where things stand. The numbers are those of the wire; values newer than this client are `unspecified`.

namespace asktell {

/// Where a study stands.
enum class StudyState { unspecified, active, paused, finished };

/// Why a study is finished; `unspecified` while it is not.
enum class FinishReason { unspecified, requested, max_trials, target, patience, deadline, exhausted };

/// Where a trial stands: queued → running → one of the others.
enum class TrialState {
  unspecified,
  queued,
  running,
  succeeded,
  stopped,
  failed,
  infeasible,
  cancelled,
  abandoned,
};

/// How a trial ended, as it is told.
enum class Outcome { succeeded = 1, stopped, failed, infeasible };

/// Where a configuration came from.
enum class Origin {
  unspecified,
  start,     ///< the space-filling start of Bayesian optimisation
  model,     ///< the model's acquisition function
  fallback,  ///< space-filling, because the model failed
  person,    ///< a person enqueued it
  import,    ///< it was imported with its result
  sampler,   ///< a sampler without a model: grid, random, Sobol
};

/// Whether less or more of an objective is better.
enum class Goal { minimize = 1, maximize };

/// The part of the data on which a metric is measured.
enum class Split { validation = 1, train, test };

/// Which differences of a number count as equal steps.
enum class Scale {
  linear = 1,   ///< equal differences matter equally
  log,          ///< equal ratios matter equally: for learning rates and the like
  reverse_log,  ///< resolves values near the maximum: for momentum and the like; float only
};

/// The name as in study files and on the command line, e.g. "running"; empty for `unspecified`.
std::string_view to_string(StudyState state) noexcept;
std::string_view to_string(FinishReason reason) noexcept;
std::string_view to_string(TrialState state) noexcept;
std::string_view to_string(Outcome outcome) noexcept;
std::string_view to_string(Origin origin) noexcept;
std::string_view to_string(Goal goal) noexcept;
std::string_view to_string(Split split) noexcept;
std::string_view to_string(Scale scale) noexcept;

/// Whether no worker can work on a trial in this state any more.
bool has_ended(TrialState state) noexcept;

}  // namespace asktell
