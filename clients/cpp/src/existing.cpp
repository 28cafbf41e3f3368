#include <algorithm>
#include <vector>

#include "handles.hpp"
#include "spec_codec.hpp"

namespace asktell {
namespace {

using Names = std::vector<std::string>;

std::string join(const Names& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

/// Names of parameters that are not the same; their order is for tables only.
Names differing_parameters(const Space& mine, const Space& theirs) {
  const auto has = [](const Space& space, const Parameter& parameter) {
    return std::find(space.begin(), space.end(), parameter) != space.end();
  };
  Names found;
  for (const Parameter& parameter : mine) {
    if (!has(theirs, parameter)) {
      found.push_back(name_of(parameter));
    }
  }
  for (const Parameter& parameter : theirs) {
    if (!has(mine, parameter)) {
      found.push_back(name_of(parameter));
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::map<std::string, Split> splits(const std::vector<TrackedMetric>& metrics) {
  std::map<std::string, Split> by_name;
  for (const TrackedMetric& metric : metrics) {
    by_name.emplace(metric.metric, metric.split);
  }
  return by_name;
}

/// What differs and can never be changed. What was left out of the wanted study is no difference.
Names fixed_differences(const StudySpec& mine, const StudySpec& theirs, const v1::Study& wanted) {
  Names found;
  const auto note = [&found](bool differs, const std::string& name) {
    if (differs) {
      found.push_back(name);
    }
  };
  const Names parameters = differing_parameters(mine.space, theirs.space);
  note(!parameters.empty(), "space (" + join(parameters) + ")");
  note(!(mine.objectives == theirs.objectives), "objectives");
  note(splits(mine.metrics) != splits(theirs.metrics), "metrics");
  note(!(mine.algorithm == theirs.algorithm), "algorithm");
  note(wanted.lease_policy().has_lease_duration() && mine.lease != theirs.lease, "lease");
  note(wanted.lease_policy().max_attempts() != 0 && mine.max_attempts != theirs.max_attempts, "max_attempts");
  note(wanted.replicates() != 0 && mine.replicates != theirs.replicates, "replicates");
  note(wanted.has_seed() && mine.seed != theirs.seed, "seed");
  return found;
}

}  // namespace

void check_existing(const Session& session, const v1::Study& wanted, const v1::Study& stored,
                    const StudyExists& exists) {
  // Compared as decoded values, not as messages: a default that the server wrote out is no difference.
  const StudySpec mine = decode_spec(wanted);
  const StudySpec theirs = decode_spec(stored);
  if (const Names fixed = fixed_differences(mine, theirs, wanted); !fixed.empty()) {
    ErrorDetails details;
    details.message =
        stored.name() + " exists with another " + join(fixed) + ": choose another name, or delete it first";
    details.reason = exists.reason();
    details.metadata = exists.metadata();
    throw StudyExists(std::move(details));
  }
  if (mine.max_trials != theirs.max_trials || mine.target != theirs.target || mine.patience != theirs.patience ||
      mine.deadline != theirs.deadline || mine.max_running != theirs.max_running ||
      (mine.max_staleness && mine.max_staleness != theirs.max_staleness)) {
    session.settings.warn(stored.name() + " exists with other rules, which stay as they are: update() changes them");
  }
}

}  // namespace asktell
