#include "asktell/trial.hpp"

#include <cstdlib>

#include "handles.hpp"

namespace asktell {
namespace {

constexpr std::size_t longest_reason = 4096;  // characters

/// Keeps the text of a long error from being refused with the result it comes with.
std::string shortened(const std::string& reason) {
  std::size_t characters = 0;
  std::size_t last = 0;  // where the last character that leaves room for the ellipsis ends
  for (std::size_t at = 0; at < reason.size(); ++at) {
    const bool begins_character = (static_cast<unsigned char>(reason[at]) & 0xC0U) != 0x80U;
    if (begins_character && characters++ == longest_reason - 1) {
      last = at;
    }
  }
  return characters <= longest_reason ? reason : reason.substr(0, last) + "…";
}

v1::TellRequest result(v1::TellOutcome outcome, const Metrics& metrics, const std::string& reason) {
  v1::TellRequest request;
  request.set_outcome(outcome);
  *request.mutable_metrics() = metrics;
  request.set_reason(reason);
  return request;
}

/// The paths of single entries of a map.
std::vector<std::string> paths_of(const std::string& field, const std::map<std::string, std::string>& entries) {
  std::vector<std::string> paths;
  paths.reserve(entries.size());
  for (const auto& entry : entries) {
    paths.push_back(field + "." + entry.first);
  }
  return paths;
}

}  // namespace

std::int64_t trial_number(const std::string& name) {
  return std::strtoll(name.c_str() + name.rfind('/') + 1, nullptr, 10);
}

Trial::Impl::~Impl() {
  try {
    const LeaseState before = state();
    end();
    const bool is_mine = before.open && !before.lost && lease->duration.count() > 0 && !session->closed();
    if (is_mine && !session->give_back(*lease)) {
      session->settings.on_warning(name + " could not be given back: its lease runs out by itself");
    }
  } catch (const std::exception& error) {
    session->settings.on_warning(name + " could not be given back: " + error.what());
  }
}

LeaseState Trial::Impl::state() const {
  return lease ? session->leases().state(*lease) : LeaseState{false, false, false, {}};
}

void Trial::Impl::end() {
  if (lease) {
    session->leases().close(lease);
  }
}

const std::string& Trial::name() const noexcept { return impl_->name; }
std::int64_t Trial::number() const noexcept { return impl_->number; }
const Params& Trial::params() const noexcept { return impl_->params; }
std::shared_ptr<const v1::Trial> Trial::info() const { return impl_->get(); }
bool Trial::is_open() const { return impl_->state().open; }
bool Trial::should_stop() const { return impl_->state().should_stop; }
std::string Trial::stop_reason() const { return impl_->state().stop_reason; }
bool Trial::lease_lost() const { return impl_->state().lost; }
bool Trial::superseded() const { return impl_->superseded; }

v1::ReportResponse Trial::report(std::int64_t step, const Metrics& metrics) {
  v1::ReportRequest request;
  request.set_step(step);
  *request.mutable_metrics() = metrics;
  return report(std::move(request));
}

v1::ReportResponse Trial::report(v1::ReportRequest request) {
  request.set_name(name());
  request.set_lease_id(impl_->lease_id);
  const auto sent_at = Clock::now();
  auto answer = impl_->session->call(&TrialStub::Report, std::move(request));
  if (impl_->lease) {
    impl_->session->leases().heard(*impl_->lease, answer, sent_at);
  }
  return answer;
}

void Trial::tell(const Metrics& metrics) { tell(result(v1::TELL_OUTCOME_SUCCEEDED, metrics, {})); }

void Trial::stop(const Metrics& metrics, const std::string& reason) {
  tell(result(v1::TELL_OUTCOME_STOPPED, metrics, reason.empty() ? stop_reason() : reason));
}

void Trial::fail(const std::string& reason, const Metrics& tracked) {
  tell(result(v1::TELL_OUTCOME_FAILED, tracked, reason));
}

void Trial::infeasible(const std::string& reason, const Metrics& tracked) {
  tell(result(v1::TELL_OUTCOME_INFEASIBLE, tracked, reason));
}

void Trial::tell(v1::TellRequest request) {
  request.set_name(name());
  if (impl_->lease) {
    request.set_lease_id(impl_->lease->id);
  }
  request.set_reason(shortened(request.reason()));
  auto answer = impl_->session->call(&TrialStub::Tell, std::move(request));
  impl_->end();
  impl_->superseded = answer.superseded();
  impl_->set(std::move(*answer.mutable_trial()));
}

void Trial::release() {
  auto request = request_for<v1::ReleaseTrialRequest>(name());
  request.set_lease_id(impl_->lease_id);
  impl_->set_by(&TrialStub::ReleaseTrial, std::move(request));
  impl_->end();
}

void Trial::cancel(const std::string& reason) {
  auto request = request_for<v1::CancelTrialRequest>(name());
  request.set_reason(shortened(reason));
  impl_->set_by(&TrialStub::CancelTrial, std::move(request));
  impl_->end();
}

void Trial::amend(v1::TellOutcome outcome, const Metrics& metrics, const std::string& reason) {
  auto request = request_for<v1::AmendTrialRequest>(name());
  request.set_outcome(outcome);
  *request.mutable_metrics() = metrics;
  request.set_reason(shortened(reason));
  impl_->set_by(&TrialStub::AmendTrial, std::move(request));
}

void Trial::label(const std::map<std::string, std::string>& labels) {
  v1::Trial values;
  *values.mutable_labels() = {labels.begin(), labels.end()};
  update(std::move(values), paths_of("labels", labels));
}

void Trial::annotate(const std::map<std::string, std::string>& annotations) {
  v1::Trial values;
  *values.mutable_annotations() = {annotations.begin(), annotations.end()};
  update(std::move(values), paths_of("annotations", annotations));
}

void Trial::update(v1::Trial values, const std::vector<std::string>& paths) {
  v1::UpdateTrialRequest request;
  *request.mutable_trial() = std::move(values);
  request.mutable_trial()->set_name(name());
  *request.mutable_update_mask()->mutable_paths() = {paths.begin(), paths.end()};
  impl_->set_by(&TrialStub::UpdateTrial, std::move(request));
}

void Trial::refresh() { impl_->set_by(&TrialStub::GetTrial, request_for<v1::GetTrialRequest>(name())); }

void Trial::remove() { impl_->session->call(&TrialStub::DeleteTrial, request_for<v1::DeleteTrialRequest>(name())); }

}  // namespace asktell
