#include "spec_codec.hpp"

#include <algorithm>

#include "info_codec.hpp"
#include "values_codec.hpp"

namespace asktell {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds default_lease = std::chrono::seconds(60);
constexpr int default_max_attempts = 3;
constexpr int default_levels = 5;
constexpr int default_start_trials = 5;

void encode_rules(const StudySpec& spec, v1::StoppingRules& wire) {
  if (spec.max_trials) {
    wire.set_max_trials(*spec.max_trials);
  }
  if (spec.target) {
    wire.set_target_value(*spec.target);
  }
  if (spec.patience) {
    wire.set_patience_trials(*spec.patience);
  }
  if (spec.deadline) {
    encode_time(*spec.deadline, *wire.mutable_deadline());
  }
}

void encode_lease(const StudySpec& spec, v1::LeasePolicy& wire) {
  if (spec.lease) {
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(*spec.lease);
    wire.mutable_lease_duration()->set_seconds(whole.count());
    wire.mutable_lease_duration()->set_nanos(static_cast<int>((*spec.lease - whole).count()));
  }
  wire.set_max_attempts(spec.max_attempts.value_or(0));
}

Split decode_split(v1::Split wire) {
  return wire == v1::SPLIT_TRAIN || wire == v1::SPLIT_TEST ? static_cast<Split>(wire) : Split::validation;
}

Algorithm decode_algorithm(const v1::Algorithm& wire) {
  switch (wire.kind_case()) {
    case v1::Algorithm::kManual:
      return Manual{};
    case v1::Algorithm::kRandom:
      return Random{};
    case v1::Algorithm::kSobol:
      return Sobol{};
    case v1::Algorithm::kBayesian: {
      const int trials = wire.bayesian().start_trials();
      return Bayesian{trials == 0 ? default_start_trials : trials};
    }
    case v1::Algorithm::kGrid: {
      const auto& grid = wire.grid();
      const int levels = grid.default_levels();
      return Grid{levels == 0 ? default_levels : levels, {grid.levels().begin(), grid.levels().end()}};
    }
    case v1::Algorithm::kAuto:
    case v1::Algorithm::KIND_NOT_SET:
      break;
  }
  return Auto{};
}

void decode_rules(const v1::StoppingRules& wire, StudySpec& spec) {
  if (wire.has_max_trials()) {
    spec.max_trials = wire.max_trials();
  }
  if (wire.has_target_value()) {
    spec.target = wire.target_value();
  }
  if (wire.has_patience_trials()) {
    spec.patience = wire.patience_trials();
  }
  if (wire.has_deadline()) {
    spec.deadline = decode_time(wire.deadline());
  }
}

}  // namespace

void encode(const std::vector<Objective>& objectives, google::protobuf::RepeatedPtrField<v1::Objective>& wire) {
  for (const Objective& objective : objectives) {
    v1::Objective& each = *wire.Add();
    each.set_metric(objective.metric);
    each.set_goal(static_cast<v1::Goal>(objective.goal));
    each.set_split(static_cast<v1::Split>(objective.split));
  }
}

void encode(const Algorithm& algorithm, v1::Algorithm& wire) {
  struct Encoder {
    v1::Algorithm& wire;
    void operator()(const Auto& /*kind*/) const { wire.mutable_auto_(); }
    void operator()(const Manual& /*kind*/) const { wire.mutable_manual(); }
    void operator()(const Random& /*kind*/) const { wire.mutable_random(); }
    void operator()(const Sobol& /*kind*/) const { wire.mutable_sobol(); }
    void operator()(const Bayesian& kind) const { wire.mutable_bayesian()->set_start_trials(kind.start_trials); }
    void operator()(const Grid& kind) const {
      wire.mutable_grid()->set_default_levels(kind.default_levels);
      wire.mutable_grid()->mutable_levels()->insert(kind.levels.begin(), kind.levels.end());
    }
  };
  std::visit(Encoder{wire}, algorithm);
}

void encode(const StudySpec& spec, v1::Study& wire) {
  encode(spec.space, *wire.mutable_search_space());
  encode(spec.objectives, *wire.mutable_objectives());
  for (const TrackedMetric& metric : spec.metrics) {
    v1::TrackedMetric& each = *wire.add_tracked_metrics();
    each.set_metric(metric.metric);
    each.set_split(static_cast<v1::Split>(metric.split));
  }
  encode(spec.algorithm, *wire.mutable_algorithm());
  encode_rules(spec, *wire.mutable_stopping_rules());
  encode_lease(spec, *wire.mutable_lease_policy());
  wire.set_max_running_trials(spec.max_running);
  wire.set_replicates(spec.replicates.value_or(0));
  if (spec.max_staleness) {
    wire.set_max_staleness(*spec.max_staleness);
  }
  if (spec.seed) {
    wire.set_seed(*spec.seed);
  }
  wire.set_display_name(spec.display_name);
  encode(spec.labels, *wire.mutable_labels());
  encode(spec.annotations, *wire.mutable_annotations());
}

StudySpec decode_spec(const v1::Study& wire) {
  StudySpec spec;
  spec.space = decode(wire.search_space());
  for (const auto& objective : wire.objectives()) {
    const Goal goal = objective.goal() == v1::GOAL_MAXIMIZE ? Goal::maximize : Goal::minimize;
    spec.objectives.push_back({objective.metric(), goal, decode_split(objective.split())});
  }
  for (const auto& metric : wire.tracked_metrics()) {
    spec.metrics.push_back({metric.metric(), decode_split(metric.split())});
  }
  spec.algorithm = decode_algorithm(wire.algorithm());
  decode_rules(wire.stopping_rules(), spec);
  const auto& lease = wire.lease_policy();
  spec.lease = !lease.has_lease_duration() ? default_lease
                                           : std::chrono::seconds(lease.lease_duration().seconds()) +
                                                 nanoseconds(lease.lease_duration().nanos());
  spec.max_attempts = lease.max_attempts() == 0 ? default_max_attempts : lease.max_attempts();
  spec.max_running = wire.max_running_trials();
  spec.replicates = std::max(wire.replicates(), 1);  // 0: a server that knows of none
  if (wire.has_max_staleness()) {
    spec.max_staleness = wire.max_staleness();
  }
  if (wire.has_seed()) {
    spec.seed = wire.seed();
  }
  spec.display_name = wire.display_name();
  spec.labels = decode(wire.labels());
  spec.annotations = decode(wire.annotations());
  return spec;
}

}  // namespace asktell
