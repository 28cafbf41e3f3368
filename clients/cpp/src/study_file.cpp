#include "asktell/study_file.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "asktell/errors.hpp"
#include "yaml.hpp"

namespace asktell {
namespace {

using Words = Place::Words;

Scale read_scale(const Mapping& keys, const Words& scales) {
  const auto value = keys.get("scale");
  return value ? static_cast<Scale>(value->choice(scales) + 1) : Scale::linear;
}

Split read_split(const Mapping& keys) {
  const auto value = keys.get("split");
  return value ? static_cast<Split>(value->choice({"validation", "train", "test"}) + 1) : Split::validation;
}

Parameter read_discrete(const std::string& name, const Mapping& keys) {
  const std::vector<Place> values = keys.must("values").items();
  const auto standard = keys.get("default");
  const bool whole = std::all_of(values.begin(), values.end(), [](const Place& value) { return value.is_integer(); });
  if (whole && (!standard || standard->is_integer())) {
    Discrete<std::int64_t> found{name, {}, keys.read("default", &Place::integer)};
    for (const Place& value : values) {
      found.values.push_back(value.integer());
    }
    return found;
  }
  Discrete<double> found{name, {}, keys.read("default", &Place::number)};
  for (const Place& value : values) {
    found.values.push_back(value.number());
  }
  return found;
}

Parameter read_parameter(const std::string& name, const Place& domain) {
  const Words all{"type", "min", "max", "scale", "step", "values", "default"};
  enum Kind { of_float, of_int, of_discrete, of_categorical, of_bool };
  const Words kinds{"float", "int", "discrete", "categorical", "bool"};
  const Words range{"type", "min", "max", "scale", "step", "default"};
  switch (domain.mapping(all, {"type"}).must("type").choice(kinds)) {
    case of_float: {
      const Mapping keys = domain.mapping(range, {"min", "max"});
      return Float{name,
                   keys.must("min").number(),
                   keys.must("max").number(),
                   read_scale(keys, {"linear", "log", "reverse_log"}),
                   keys.read("step", &Place::number),
                   keys.read("default", &Place::number)};
    }
    case of_int: {
      const Mapping keys = domain.mapping(range, {"min", "max"});
      return Int{name,
                 keys.must("min").integer(),
                 keys.must("max").integer(),
                 read_scale(keys, {"linear", "log"}),
                 keys.read("step", &Place::integer),
                 keys.read("default", &Place::integer)};
    }
    case of_discrete:
      return read_discrete(name, domain.mapping({"type", "values", "default"}, {"values"}));
    case of_categorical: {
      const Mapping keys = domain.mapping({"type", "values", "default"}, {"values"});
      Categorical found{name, {}, keys.read("default", &Place::text)};
      for (const Place& value : keys.must("values").items()) {
        found.values.push_back(value.text());
      }
      return found;
    }
    default:
      return Bool{name, domain.mapping({"type", "default"}).read("default", &Place::boolean)};
  }
}

std::vector<Objective> read_objectives(const Place& list) {
  std::vector<Objective> found;
  for (const Place& item : list.items()) {
    const Mapping keys = item.mapping({"metric", "goal", "split"}, {"metric", "goal"});
    const std::string metric = keys.must("metric").text();
    const auto goal = static_cast<Goal>(keys.must("goal").choice({"minimize", "maximize"}) + 1);
    found.push_back({metric, goal, read_split(keys)});
  }
  return found;
}

std::vector<TrackedMetric> read_metrics(const Place& list) {
  std::vector<TrackedMetric> found;
  for (const Place& item : list.items()) {
    if (!item.is_mapping()) {
      found.push_back({item.text(), Split::validation});
      continue;
    }
    const Mapping keys = item.mapping({"metric", "split"}, {"metric"});
    found.push_back({keys.must("metric").text(), read_split(keys)});
  }
  return found;
}

Algorithm make_algorithm(int which, const Mapping& settings) {
  switch (which) {
    case 1:
      return Manual{};
    case 2: {
      Grid grid;
      grid.default_levels = settings.read("default_levels", &Place::count).value_or(grid.default_levels);
      if (const auto levels = settings.get("levels")) {
        for (const auto& [name, count] : levels->mapping().entries) {
          grid.levels.emplace(name, count.count());
        }
      }
      return grid;
    }
    case 3:
      return Random{};
    case 4:
      return Sobol{};
    case 5: {
      Bayesian bayesian;
      bayesian.start_trials = settings.read("start_trials", &Place::count).value_or(bayesian.start_trials);
      return bayesian;
    }
    default:
      return Auto{};
  }
}

/// Takes a name, or a mapping of one name to its settings.
Algorithm read_algorithm(const Place& value) {
  const Words names{"auto", "manual", "grid", "random", "sobol", "bayesian"};
  if (!value.is_mapping()) {
    return make_algorithm(value.choice(names), {});
  }
  const Mapping chosen = value.mapping(names);
  if (chosen.entries.size() != 1) {
    value.refuse("must name one algorithm");
  }
  const auto& [name, settings] = chosen.entries.front();
  const Words known = name == "grid"       ? Words{"default_levels", "levels"}
                      : name == "bayesian" ? Words{"start_trials"}
                                           : Words{};
  return make_algorithm(static_cast<int>(std::find(names.begin(), names.end(), name) - names.begin()),
                        settings.mapping(known));
}

StudyFile read_study(const Place& root) {
  const Mapping keys =
      root.mapping({"name", "display_name", "objectives", "metrics", "parameters", "algorithm", "stopping", "lease",
                    "max_running", "replicates", "max_staleness", "seed", "labels", "annotations"},
                   {"name", "objectives", "parameters"});
  StudyFile found;
  StudySpec& spec = found.spec;
  found.id = keys.must("name").text();
  for (const auto& [name, domain] : keys.must("parameters").mapping().entries) {
    spec.space.push_back(read_parameter(name, domain));
  }
  spec.objectives = read_objectives(keys.must("objectives"));
  if (const auto metrics = keys.get("metrics")) {
    spec.metrics = read_metrics(*metrics);
  }
  if (const auto algorithm = keys.get("algorithm")) {
    spec.algorithm = read_algorithm(*algorithm);
  }
  const Mapping stopping = keys.part("stopping", {"max_trials", "target", "patience", "deadline"});
  spec.max_trials = stopping.read("max_trials", &Place::count);
  spec.target = stopping.read("target", &Place::number);
  spec.patience = stopping.read("patience", &Place::count);
  spec.deadline = stopping.read("deadline", &Place::time);
  const Mapping lease = keys.part("lease", {"duration_s", "max_attempts"});
  spec.lease = lease.read("duration_s", &Place::duration);
  spec.max_attempts = lease.read("max_attempts", &Place::count);
  spec.max_running = keys.read("max_running", &Place::count).value_or(0);
  spec.replicates = keys.read("replicates", &Place::count);
  spec.max_staleness = keys.read("max_staleness", &Place::count);
  spec.seed = keys.read("seed", &Place::integer);
  spec.display_name = keys.read("display_name", &Place::text).value_or("");
  spec.labels = keys.read("labels", &Place::texts).value_or(Texts());
  spec.annotations = keys.read("annotations", &Place::texts).value_or(Texts());
  return found;
}

}  // namespace

StudyFile parse_study_file(const std::string& text, const std::string& path) {
  return read_study(Place::of(text, path));
}

StudyFile load_study_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) {
    throw StudyFileError(path + ": cannot be read");
  }
  return parse_study_file(text.str(), path);
}

}  // namespace asktell
