#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "asktell/spec.hpp"
#include "asktell/trial.hpp"

namespace asktell {

/// A configuration that has been run.
struct Observation {
  Params params;
  Metrics metrics;
  Outcome outcome = Outcome::succeeded;
};

/// What Client::suggest is asked: what to optimise, and what is known about it.
struct Problem {
  Space space;
  std::vector<Objective> objectives;
  Algorithm algorithm;
  int replicates = 1;                     ///< how many times each configuration may be tried
  std::vector<Observation> observations;  ///< what has been run; at most 20,000
  std::vector<Params> pending;            ///< what is running now; suggestions keep away from it
  int count = 1;                          ///< how many suggestions
  std::int64_t seed = 0;                  ///< of everything random
  std::string warm_start;                 ///< bytes of an earlier answer for the same problem: makes this one faster
};

/// A configuration to run.
struct Suggestion {
  Params params;
  Origin origin = Origin::unspecified;
  std::optional<Prediction> prediction;  ///< unset without a model
};

/// The answer of Client::suggest.
struct Suggestions {
  std::vector<Suggestion> suggestions;
  std::string warm_start;  ///< for the next call
};

}  // namespace asktell
