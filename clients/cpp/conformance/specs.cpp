// The runner speaks of studies and values in messages of the contract; here they become the client's own.
#include <algorithm>

#include "executor.hpp"

namespace conformance {
namespace {

asktell::Value decode(const v1::ParameterValue& value) {
  switch (value.kind_case()) {
    case v1::ParameterValue::kIntValue:
      return value.int_value();
    case v1::ParameterValue::kStringValue:
      return value.string_value();
    case v1::ParameterValue::kBoolValue:
      return value.bool_value();
    default:
      return value.double_value();
  }
}

asktell::Params decode(const google::protobuf::Map<std::string, v1::ParameterValue>& values) {
  asktell::Params params;
  for (const auto& [name, value] : values) {
    params.set(name, decode(value));
  }
  return params;
}

asktell::Texts decode(const google::protobuf::Map<std::string, std::string>& texts) {
  return {texts.begin(), texts.end()};
}

asktell::Outcome decode(v1::TellOutcome outcome) {
  return outcome == v1::TELL_OUTCOME_UNSPECIFIED ? asktell::Outcome::succeeded : static_cast<asktell::Outcome>(outcome);
}

asktell::Outcome outcome_of(v1::TrialState state) {
  switch (state) {
    case v1::TRIAL_STATE_STOPPED:
      return asktell::Outcome::stopped;
    case v1::TRIAL_STATE_FAILED:
      return asktell::Outcome::failed;
    case v1::TRIAL_STATE_INFEASIBLE:
      return asktell::Outcome::infeasible;
    default:
      return asktell::Outcome::succeeded;
  }
}

asktell::Split decode(v1::Split split) {
  return split == v1::SPLIT_UNSPECIFIED ? asktell::Split::validation : static_cast<asktell::Split>(split);
}

asktell::Scale decode(v1::Scale scale) {
  return scale == v1::SCALE_UNSPECIFIED ? asktell::Scale::linear : static_cast<asktell::Scale>(scale);
}

template <class T>
std::optional<T> standard(const v1::Parameter& parameter) {
  const asktell::Value value = decode(parameter.default_value());
  if (!parameter.has_default_value() || !std::holds_alternative<T>(value)) {
    return std::nullopt;
  }
  return std::get<T>(value);
}

template <class Number>
asktell::Discrete<Number> discrete(const v1::Parameter& parameter) {
  asktell::Discrete<Number> found{parameter.name(), {}, standard<Number>(parameter)};
  for (const auto& value : parameter.discrete_domain().values()) {
    found.values.push_back(value.has_int_value() ? static_cast<Number>(value.int_value())
                                                 : static_cast<Number>(value.double_value()));
  }
  return found;
}

asktell::Parameter decode(const v1::Parameter& parameter) {
  const std::string& name = parameter.name();
  if (parameter.has_float_domain()) {
    const auto& domain = parameter.float_domain();
    const auto step = domain.has_step() ? std::optional(domain.step()) : std::nullopt;
    return asktell::Float{name, domain.min(), domain.max(), decode(domain.scale()), step, standard<double>(parameter)};
  }
  if (parameter.has_int_domain()) {
    const auto& domain = parameter.int_domain();
    const auto step = domain.has_step() ? std::optional<std::int64_t>(domain.step()) : std::nullopt;
    return asktell::Int{
        name, domain.min(), domain.max(), decode(domain.scale()), step, standard<std::int64_t>(parameter)};
  }
  if (parameter.has_discrete_domain()) {
    const auto& values = parameter.discrete_domain().values();
    const bool whole =
        std::all_of(values.begin(), values.end(), [](const auto& value) { return value.has_int_value(); });
    return whole ? asktell::Parameter(discrete<std::int64_t>(parameter)) : discrete<double>(parameter);
  }
  if (parameter.has_categorical_domain()) {
    const auto& values = parameter.categorical_domain().values();
    return asktell::Categorical{name, {values.begin(), values.end()}, standard<std::string>(parameter)};
  }
  return asktell::Bool{name, standard<bool>(parameter)};
}

asktell::Space decode(const v1::SearchSpace& wire_space) {
  asktell::Space space;
  for (const auto& parameter : wire_space.parameters()) {
    space.push_back(decode(parameter));
  }
  return space;
}

std::vector<asktell::Objective> decode(const google::protobuf::RepeatedPtrField<v1::Objective>& objectives) {
  std::vector<asktell::Objective> found;
  for (const auto& objective : objectives) {
    found.push_back({objective.metric(), static_cast<asktell::Goal>(objective.goal()), decode(objective.split())});
  }
  return found;
}

asktell::Algorithm decode(const v1::Algorithm& algorithm) {
  switch (algorithm.kind_case()) {
    case v1::Algorithm::kManual:
      return asktell::Manual{};
    case v1::Algorithm::kRandom:
      return asktell::Random{};
    case v1::Algorithm::kSobol:
      return asktell::Sobol{};
    case v1::Algorithm::kBayesian:
      return asktell::Bayesian{algorithm.bayesian().start_trials()};
    case v1::Algorithm::kGrid: {
      const auto& levels = algorithm.grid().levels();
      return asktell::Grid{algorithm.grid().default_levels(), {levels.begin(), levels.end()}};
    }
    default:
      return asktell::Auto{};
  }
}

}  // namespace

asktell::Metrics decode_metrics(const google::protobuf::Map<std::string, v1::Metric>& metrics) {
  asktell::Metrics found;
  for (const auto& [name, metric] : metrics) {
    const auto error = metric.has_standard_error() ? std::optional(metric.standard_error()) : std::nullopt;
    found.emplace(name, asktell::Metric(metric.value(), error));
  }
  return found;
}

asktell::StudySpec decode_spec(const v1::Study& study) {
  asktell::StudySpec spec;
  spec.space = decode(study.search_space());
  spec.objectives = decode(study.objectives());
  for (const auto& metric : study.tracked_metrics()) {
    spec.metrics.push_back({metric.metric(), decode(metric.split())});
  }
  spec.algorithm = decode(study.algorithm());
  const auto& rules = study.stopping_rules();
  if (rules.has_max_trials()) {
    spec.max_trials = rules.max_trials();
  }
  if (rules.has_target_value()) {
    spec.target = rules.target_value();
  }
  if (rules.has_patience_trials()) {
    spec.patience = rules.patience_trials();
  }
  if (rules.has_deadline()) {
    spec.deadline = asktell::Time(std::chrono::seconds(rules.deadline().seconds()) +
                                  std::chrono::nanoseconds(rules.deadline().nanos()));
  }
  const auto& lease = study.lease_policy();
  if (lease.has_lease_duration()) {
    spec.lease = std::chrono::seconds(lease.lease_duration().seconds()) +
                 std::chrono::nanoseconds(lease.lease_duration().nanos());
  }
  if (lease.max_attempts() != 0) {
    spec.max_attempts = lease.max_attempts();
  }
  spec.max_running = study.max_running_trials();
  if (study.replicates() != 0) {
    spec.replicates = study.replicates();
  }
  if (study.has_max_staleness()) {
    spec.max_staleness = study.max_staleness();
  }
  if (study.has_seed()) {
    spec.seed = study.seed();
  }
  spec.display_name = study.display_name();
  spec.labels = decode(study.labels());
  spec.annotations = decode(study.annotations());
  return spec;
}

std::vector<asktell::QueuedTrial> decode_queued(const wire::Enqueue& action) {
  std::vector<asktell::QueuedTrial> found;
  for (const auto& trial : action.trials()) {
    found.push_back({decode(trial.parameters()), decode(trial.labels()), decode(trial.annotations())});
  }
  return found;
}

std::vector<asktell::ImportedTrial> decode_imported(const wire::ImportTrials& action) {
  std::vector<asktell::ImportedTrial> found;
  for (const auto& trial : action.trials()) {
    asktell::ImportedTrial each{trial.import_key(), decode(trial.parameters()), decode_metrics(trial.metrics())};
    each.outcome = decode(trial.outcome());
    each.reason = trial.reason();
    each.labels = decode(trial.labels());
    each.annotations = decode(trial.annotations());
    found.push_back(std::move(each));
  }
  return found;
}

asktell::Problem decode_problem(const v1::SuggestRequest& request) {
  asktell::Problem problem;
  problem.space = decode(request.problem().search_space());
  problem.objectives = decode(request.problem().objectives());
  problem.algorithm = decode(request.problem().algorithm());
  problem.replicates = request.problem().replicates();
  for (const auto& observation : request.observations()) {
    problem.observations.push_back(
        {decode(observation.parameters()), decode_metrics(observation.metrics()), outcome_of(observation.state())});
  }
  for (const auto& pending : request.pending()) {
    problem.pending.push_back(decode(pending.parameters()));
  }
  problem.count = request.count();
  problem.seed = request.seed();
  problem.warm_start = request.warm_start();
  return problem;
}

}  // namespace conformance
