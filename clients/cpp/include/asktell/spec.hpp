#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "asktell/enums.hpp"
#include "asktell/values.hpp"

namespace asktell {

// A default, where one is given, is a value known to work: the search starts from it, and enqueued trials may leave the
// parameter out.

/// A real number in [min, max]; with a step, one of min, min + step … .
struct Float {
  std::string name;
  double min = 0;
  double max = 1;
  Scale scale = Scale::linear;
  std::optional<double> step = std::nullopt;
  std::optional<double> default_value = std::nullopt;
};

/// A whole number in [min, max], both ends within ±2^53; with a step, one of min, min + step … .
struct Int {
  std::string name;
  std::int64_t min = 0;
  std::int64_t max = 1;
  Scale scale = Scale::linear;
  std::optional<std::int64_t> step = std::nullopt;
  std::optional<std::int64_t> default_value = std::nullopt;
};

/// One of 2 to 1,000 numbers in rising order, whose distances do not matter. Number: std::int64_t or double.
template <class Number>
struct Discrete {
  std::string name;
  std::vector<Number> values;
  std::optional<Number> default_value = std::nullopt;
};

/// One of 2 to 1,000 names without an order.
struct Categorical {
  std::string name;
  std::vector<std::string> values;
  std::optional<std::string> default_value = std::nullopt;
};

/// True or false.
struct Bool {
  std::string name;
  std::optional<bool> default_value = std::nullopt;
};

/// Stands for a kind of parameter that is newer than this client; cannot be sent.
struct UnknownParameter {
  std::string name;
};

using Parameter =
    std::variant<Float, Int, Discrete<std::int64_t>, Discrete<double>, Categorical, Bool, UnknownParameter>;

/// What may be varied, in the order in which tables show it.
using Space = std::vector<Parameter>;

/// A metric to optimise. One on the test split is refused: it would be worthless as a test.
struct Objective {
  std::string metric;
  Goal goal = Goal::minimize;
  Split split = Split::validation;
};

/// Objectives on validation data.
inline Objective minimize(std::string metric) { return {std::move(metric), Goal::minimize, Split::validation}; }
inline Objective maximize(std::string metric) { return {std::move(metric), Goal::maximize, Split::validation}; }

/// A metric that trials may log and that is never optimised.
struct TrackedMetric {
  std::string metric;
  Split split = Split::validation;
};

/// The server chooses: a few space-filling trials, then Bayesian optimisation.
struct Auto {};
/// Only configurations that a person enqueues.
struct Manual {};
/// Every point of a grid, once (or StudySpec::replicates times).
struct Grid {
  int default_levels = 5;             ///< points of each parameter without levels of its own
  std::map<std::string, int> levels;  ///< points by parameter name, 2 to 1,000
};
/// Independent uniform draws, after the scale is applied.
struct Random {};
/// A scrambled Sobol sequence: random search without clumps.
struct Sobol {};
/// A Gaussian process and log expected improvement.
struct Bayesian {
  int start_trials = 5;  ///< space-filling trials before the model takes over
};

/// How configurations are found.
using Algorithm = std::variant<Auto, Manual, Grid, Random, Sobol, Bayesian>;

/// The lease of trials that stay with their worker for ever: people and slow labs.
inline constexpr std::chrono::nanoseconds endless{0};

/// What a study is created with. What is not set is the server's default.
struct StudySpec {
  Space space;
  std::vector<Objective> objectives;   ///< exactly one for now
  std::vector<TrackedMetric> metrics;  ///< further metrics that trials log
  Algorithm algorithm;

  std::optional<int> max_trials;  ///< the budget, at least 1: ends when so many trials have ended
  std::optional<double> target;   ///< ends when the objective reaches it
  std::optional<int> patience;    ///< ends when so many trials in a row did not better the best one
  std::optional<Time> deadline;   ///< ends at this time

  std::optional<std::chrono::nanoseconds> lease;  ///< how long a trial stays with a silent worker: 60 s, or `endless`
  std::optional<int> max_attempts;                ///< how many times a trial is started before it is given up: 3
  int max_running = 0;                            ///< the most trials that run at once; 0 = no limit
  std::optional<int> replicates;                  ///< how many times each configuration may be tried: once
  /// The most trials that may end between the making of a suggestion and its start; 0 = every suggestion knows all
  /// results, unset = 0 with fewer than 6 trials running, above that by how unexpected results are.
  std::optional<int> max_staleness;
  std::optional<std::int64_t> seed;  ///< of everything random; unset = the server draws one

  std::string display_name;
  Texts labels;
  Texts annotations;
};

bool operator==(const Float& a, const Float& b);
bool operator==(const Int& a, const Int& b);
template <class Number>
bool operator==(const Discrete<Number>& a, const Discrete<Number>& b) {
  return a.name == b.name && a.values == b.values && a.default_value == b.default_value;
}
bool operator==(const Categorical& a, const Categorical& b);
bool operator==(const Bool& a, const Bool& b);
bool operator==(const UnknownParameter& a, const UnknownParameter& b);
bool operator==(const Objective& a, const Objective& b);
bool operator==(const TrackedMetric& a, const TrackedMetric& b);
inline bool operator==(const Auto& /*a*/, const Auto& /*b*/) { return true; }
inline bool operator==(const Manual& /*a*/, const Manual& /*b*/) { return true; }
inline bool operator==(const Random& /*a*/, const Random& /*b*/) { return true; }
inline bool operator==(const Sobol& /*a*/, const Sobol& /*b*/) { return true; }
bool operator==(const Grid& a, const Grid& b);
bool operator==(const Bayesian& a, const Bayesian& b);
bool operator==(const StudySpec& a, const StudySpec& b);

/// The name of any parameter.
const std::string& name_of(const Parameter& parameter);

}  // namespace asktell
