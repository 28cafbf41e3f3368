// What people see of a handle.
#include <ostream>

#include "handles.hpp"

namespace asktell {
namespace {

/// The name of an enum's value without the enum's own.
std::string word(const std::string& name, std::string_view prefix) {
  return name.compare(0, prefix.size(), prefix) == 0 ? name.substr(prefix.size()) : name;
}

struct Text {
  const v1::ParameterValue& value;
};

std::ostream& operator<<(std::ostream& out, const Text& text) {
  switch (text.value.kind_case()) {
    case v1::ParameterValue::kDoubleValue:
      return out << text.value.double_value();
    case v1::ParameterValue::kIntValue:
      return out << text.value.int_value();
    case v1::ParameterValue::kStringValue:
      return out << text.value.string_value();
    case v1::ParameterValue::kBoolValue:
      return out << (text.value.bool_value() ? "true" : "false");
    default:
      return out << "?";  // of a kind that is newer than this client
  }
}

void write_best(std::ostream& out, const v1::Study& study, const v1::Trial& best) {
  out << ", best: trial " << best.number() << " with";
  for (const v1::Objective& objective : study.objectives()) {
    const auto found = best.metrics().find(objective.metric());
    if (found != best.metrics().end()) {
      out << " " << found->first << "=" << found->second.value();
    }
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Study& study) {
  const std::shared_ptr<const v1::Study> info = study.info();
  out << info->name() << " " << word(v1::StudyState_Name(info->state()), "STUDY_STATE_");
  if (info->finish_reason() != v1::FINISH_REASON_UNSPECIFIED) {
    out << " (" << word(v1::FinishReason_Name(info->finish_reason()), "FINISH_REASON_") << ")";
  }
  const v1::TrialCounts& counts = info->trial_counts();
  const int ended = counts.succeeded() + counts.stopped() + counts.failed() + counts.infeasible() + counts.cancelled() +
                    counts.abandoned();
  // Not "12 of 50": imported and cancelled trials have ended, and use nothing of the budget up.
  out << ", " << ended << (ended == 1 ? " trial ended" : " trials ended");
  for (const auto& [count, state] :
       {std::pair(counts.failed(), "failed"), {counts.running(), "running"}, {counts.queued(), "queued"}}) {
    if (count > 0) {
      out << ", " << count << " " << state;
    }
  }
  if (info->stopping_rules().has_max_trials()) {
    out << ", budget " << info->stopping_rules().max_trials();
  }
  if (const auto best = study.impl_->best()) {
    write_best(out, *info, *best);
  }
  return out;
}

std::ostream& operator<<(std::ostream& out, const Trial& trial) {
  const std::shared_ptr<const v1::Trial> info = trial.info();
  out << info->name() << " " << word(v1::TrialState_Name(info->state()), "TRIAL_STATE_");
  for (const auto& [name, value] : trial.params()) {
    out << " " << name << "=" << Text{value};
  }
  std::string_view before = ", ";
  for (const auto& [name, metric] : Metrics(info->metrics())) {  // by name
    out << before << name << "=" << metric.value();
    before = " ";
  }
  const std::string& reason = info->reason();
  const auto last = reason.find_last_not_of(" \r\n");
  if (last != std::string::npos) {
    const auto begin = reason.rfind('\n', last);
    const auto first = begin == std::string::npos ? 0 : begin + 1;
    out << ": " << reason.substr(first, last + 1 - first);
  }
  return out;
}

}  // namespace asktell
