#include "executor.hpp"

namespace conformance {
namespace {

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
  *result.mutable_study() = *study.info();
  return result;
}

wire::Result trial_result(const asktell::Trial& trial) {
  wire::Result result;
  add_trial(trial, result);
  return result;
}

void add_trial(const asktell::Trial& trial, wire::Result& result) {
  wire::TrialResult& out = *result.mutable_trials()->add_trials();
  *out.mutable_trial() = *trial.info();
  out.set_should_stop(trial.should_stop());
  out.set_lease_lost(trial.lease_lost());
  out.set_superseded(trial.superseded());
}

void add_change(const asktell::Change& change, wire::Result& result) {
  wire::Change& out = *result.mutable_changes()->add_changes();
  out.set_cursor(change.cursor());
  if (change.has_study()) {
    *out.mutable_study() = change.study();
  } else if (change.has_trial()) {
    *out.mutable_trial() = change.trial();
  } else if (change.has_deleted_trial()) {
    out.set_deleted_trial(asktell::trial_number(change.deleted_trial().name()));
  } else if (change.has_reported()) {
    out.mutable_reported()->set_trial(asktell::trial_number(change.reported().name()));
    *out.mutable_reported()->mutable_measurement() = change.reported().measurement();
  }
}

}  // namespace conformance
