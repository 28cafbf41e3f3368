#include "asktell/spec.hpp"

#include <tuple>

namespace asktell {

bool operator==(const Float& a, const Float& b) {
  return std::tie(a.name, a.min, a.max, a.scale, a.step, a.default_value) ==
         std::tie(b.name, b.min, b.max, b.scale, b.step, b.default_value);
}

bool operator==(const Int& a, const Int& b) {
  return std::tie(a.name, a.min, a.max, a.scale, a.step, a.default_value) ==
         std::tie(b.name, b.min, b.max, b.scale, b.step, b.default_value);
}

bool operator==(const Categorical& a, const Categorical& b) {
  return std::tie(a.name, a.values, a.default_value) == std::tie(b.name, b.values, b.default_value);
}

bool operator==(const Bool& a, const Bool& b) {
  return std::tie(a.name, a.default_value) == std::tie(b.name, b.default_value);
}

bool operator==(const UnknownParameter& a, const UnknownParameter& b) { return a.name == b.name; }

bool operator==(const Objective& a, const Objective& b) {
  return std::tie(a.metric, a.goal, a.split) == std::tie(b.metric, b.goal, b.split);
}

bool operator==(const TrackedMetric& a, const TrackedMetric& b) {
  return std::tie(a.metric, a.split) == std::tie(b.metric, b.split);
}

bool operator==(const Grid& a, const Grid& b) {
  return std::tie(a.default_levels, a.levels) == std::tie(b.default_levels, b.levels);
}

bool operator==(const Bayesian& a, const Bayesian& b) { return a.start_trials == b.start_trials; }

bool operator==(const StudySpec& a, const StudySpec& b) {
  const auto all = [](const StudySpec& spec) {
    return std::tie(spec.space, spec.objectives, spec.metrics, spec.algorithm, spec.max_trials, spec.target,
                    spec.patience, spec.deadline, spec.lease, spec.max_attempts, spec.max_running, spec.replicates,
                    spec.max_staleness, spec.seed, spec.display_name, spec.labels, spec.annotations);
  };
  return all(a) == all(b);
}

const std::string& name_of(const Parameter& parameter) {
  return std::visit([](const auto& kind) -> const std::string& { return kind.name; }, parameter);
}

}  // namespace asktell
