#include "executor.hpp"

namespace conformance {
namespace {

using asktell::Metrics;

template <class Kind>
bool is_a(const std::exception& error) {
  return dynamic_cast<const Kind*>(&error) != nullptr;
}

struct KindOf {
  bool (*fits)(const std::exception&);
  wire::ErrorKind kind;
};

constexpr KindOf kinds[] = {
    {is_a<asktell::InvalidArgument>, wire::ERROR_KIND_INVALID_ARGUMENT},
    {is_a<asktell::NotFound>, wire::ERROR_KIND_NOT_FOUND},
    {is_a<asktell::StudyExists>, wire::ERROR_KIND_STUDY_EXISTS},
    {is_a<asktell::ResultConflict>, wire::ERROR_KIND_RESULT_CONFLICT},
    {is_a<asktell::StudyComplete>, wire::ERROR_KIND_STUDY_COMPLETE},
    {is_a<asktell::StudyPaused>, wire::ERROR_KIND_STUDY_PAUSED},
    {is_a<asktell::QueueEmpty>, wire::ERROR_KIND_QUEUE_EMPTY},
    {is_a<asktell::NoTrialAvailable>, wire::ERROR_KIND_NO_TRIAL_AVAILABLE},
    {is_a<asktell::LeaseLost>, wire::ERROR_KIND_LEASE_LOST},
    {is_a<asktell::IllegalTransition>, wire::ERROR_KIND_ILLEGAL_TRANSITION},
    {is_a<asktell::EtagMismatch>, wire::ERROR_KIND_ETAG_MISMATCH},
    {is_a<asktell::Contention>, wire::ERROR_KIND_CONTENTION},
    {is_a<asktell::Overloaded>, wire::ERROR_KIND_OVERLOADED},
    {is_a<asktell::LimitExceeded>, wire::ERROR_KIND_LIMIT_EXCEEDED},
    {is_a<asktell::NotSupported>, wire::ERROR_KIND_NOT_SUPPORTED},
    {is_a<asktell::Unavailable>, wire::ERROR_KIND_UNAVAILABLE},
    {is_a<asktell::DeadlineExceeded>, wire::ERROR_KIND_DEADLINE_EXCEEDED},
    {is_a<asktell::Unauthenticated>, wire::ERROR_KIND_UNAUTHENTICATED},
    {is_a<asktell::Internal>, wire::ERROR_KIND_INTERNAL},
};

void encode(const asktell::Params& params, google::protobuf::Map<std::string, v1::ParameterValue>& out) {
  for (const auto& [name, value] : params) {
    v1::ParameterValue& each = out[name];
    if (const auto* number = std::get_if<double>(&value)) {
      each.set_double_value(*number);
    } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
      each.set_int_value(*whole);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      each.set_string_value(*text);
    } else {
      each.set_bool_value(std::get<bool>(value));
    }
  }
}

void encode(const Metrics& metrics, google::protobuf::Map<std::string, v1::Metric>& out) {
  for (const auto& [name, metric] : metrics) {
    out[name].set_value(metric.value);
    if (metric.standard_error) {
      out[name].set_standard_error(*metric.standard_error);
    }
  }
}

void encode(const asktell::Measurement& measurement, v1::Measurement& out) {
  out.set_step(measurement.step);
  encode(measurement.metrics, *out.mutable_metrics());
}

void encode(const asktell::TrialInfo& info, v1::Trial& out) {
  out.set_number(info.number);
  out.set_state(static_cast<v1::TrialState>(info.state));
  encode(info.params, *out.mutable_parameters());
  out.set_origin(static_cast<v1::Origin>(info.origin));
  encode(info.metrics, *out.mutable_metrics());
  out.set_reason(info.reason);
  out.set_attempt(info.attempt);
  out.set_worker_id(info.worker_id);
  out.mutable_labels()->insert(info.labels.begin(), info.labels.end());
  out.mutable_annotations()->insert(info.annotations.begin(), info.annotations.end());
  out.set_import_key(info.import_key);
  out.set_measurement_count(info.measurement_count);
  for (const auto& measurement : info.measurements) {
    encode(measurement, *out.add_measurements());
  }
  for (const auto& amendment : info.amendments) {
    v1::Amendment& each = *out.add_amendments();
    each.set_previous_state(static_cast<v1::TrialState>(amendment.previous_state));
    encode(amendment.previous_metrics, *each.mutable_previous_metrics());
    each.set_reason(amendment.reason);
  }
  for (const auto& result : info.superseded_results) {
    v1::SupersededResult& each = *out.add_superseded_results();
    each.set_state(static_cast<v1::TrialState>(result.state));
    encode(result.metrics, *each.mutable_metrics());
  }
}

void encode(const asktell::StudyInfo& info, v1::Study& out) {
  out.set_name(info.name);
  out.set_display_name(info.spec.display_name);
  out.set_state(static_cast<v1::StudyState>(info.state));
  out.set_finish_reason(static_cast<v1::FinishReason>(info.finish_reason));
  v1::TrialCounts& counts = *out.mutable_trial_counts();
  counts.set_queued(info.counts.queued);
  counts.set_running(info.counts.running);
  counts.set_succeeded(info.counts.succeeded);
  counts.set_stopped(info.counts.stopped);
  counts.set_failed(info.counts.failed);
  counts.set_infeasible(info.counts.infeasible);
  counts.set_cancelled(info.counts.cancelled);
  counts.set_abandoned(info.counts.abandoned);
  out.set_replicates(info.spec.replicates.value_or(1));
  if (info.spec.max_staleness) {
    out.set_max_staleness(*info.spec.max_staleness);
  }
  out.mutable_labels()->insert(info.spec.labels.begin(), info.spec.labels.end());
  out.mutable_annotations()->insert(info.spec.annotations.begin(), info.spec.annotations.end());
}

}  // namespace

wire::Result done() {
  wire::Result result;
  result.mutable_done();
  return result;
}

wire::Result failed(const std::exception& error, bool refused) {
  wire::Result result;
  wire::Error& out = *result.mutable_error();
  out.set_message(error.what());
  out.set_kind(refused ? wire::ERROR_KIND_REFUSED_LOCALLY : wire::ERROR_KIND_OTHER);
  for (const KindOf& each : kinds) {
    if (each.fits(error)) {
      out.set_kind(each.kind);
      break;
    }
  }
  if (const auto* ours = dynamic_cast<const asktell::Error*>(&error)) {
    out.set_reason(ours->reason());
    out.set_field(ours->field());
    out.set_has_retry_after(ours->retry_after().count() > 0);
  }
  return result;
}

wire::Result study_result(const asktell::Study& study) {
  wire::Result result;
  encode(study.info(), *result.mutable_study());
  return result;
}

wire::Result trial_result(const asktell::Trial& trial) {
  wire::Result result;
  add_trial(trial, result);
  return result;
}

void add_trial(const asktell::Trial& trial, wire::Result& result) {
  wire::TrialResult& out = *result.mutable_trials()->add_trials();
  encode(trial.info(), *out.mutable_trial());
  out.set_should_stop(trial.should_stop());
  out.set_lease_lost(trial.lease_lost());
  out.set_superseded(trial.superseded());
}

void add_change(const asktell::Change& change, wire::Result& result) {
  wire::Change& out = *result.mutable_changes()->add_changes();
  out.set_cursor(change.cursor);
  if (const auto* study = std::get_if<asktell::StudyInfo>(&change.what)) {
    encode(*study, *out.mutable_study());
  } else if (const auto* trial = std::get_if<asktell::TrialInfo>(&change.what)) {
    encode(*trial, *out.mutable_trial());
  } else if (const auto* deleted = std::get_if<asktell::DeletedTrial>(&change.what)) {
    out.set_deleted_trial(deleted->number);
  } else if (const auto* reported = std::get_if<asktell::ReportedMeasurement>(&change.what)) {
    out.mutable_reported()->set_trial(reported->trial);
    encode(reported->measurement, *out.mutable_reported()->mutable_measurement());
  }
}

wire::Result suggestions_result(const asktell::Suggestions& suggestions) {
  wire::Result result;
  result.mutable_suggestions();
  for (const asktell::Suggestion& suggestion : suggestions.suggestions) {
    wire::Suggestion& out = *result.mutable_suggestions()->add_suggestions();
    encode(suggestion.params, *out.mutable_parameters());
    out.set_origin(static_cast<v1::Origin>(suggestion.origin));
  }
  return result;
}

}  // namespace conformance
