#include "asktell/trial.hpp"

#include "handles.hpp"
#include "info_codec.hpp"
#include "values_codec.hpp"

namespace asktell {
namespace {

using Stub = v1::TrialService::Stub;

constexpr std::size_t longest_reason = 4096;  // characters

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

}  // namespace

std::string shortened(const std::string& reason) {
  std::size_t characters = 0;
  std::size_t last = 0;  // where the last character that leaves room for the ellipsis ends
  for (std::size_t at = 0; at < reason.size(); ++at) {
    if (begins_character(reason[at]) && characters++ == longest_reason - 1) {
      last = at;
    }
  }
  return characters <= longest_reason ? reason : reason.substr(0, last) + "…";
}

Trial::Impl::Impl(std::shared_ptr<Session> shared, const v1::Trial& wire, std::shared_ptr<Lease> held)
    : session(std::move(shared)),
      lease(std::move(held)),
      latest(decode(wire)),
      name(wire.name()),
      number(wire.number()),
      params(decode(wire.parameters())),
      lease_id(wire.lease_id()) {}

Trial::Impl::~Impl() {
  try {
    if (!lease || !session->leases().state(*lease).open) {
      return;
    }
    const bool lost = session->leases().state(*lease).lost;
    end();
    if (lease->duration.count() > 0 && !lost && !session->closed() && !session->give_back(*lease)) {
      session->settings.warn(name + " could not be given back: its lease runs out by itself");
    }
  } catch (const std::exception& error) {
    session->settings.warn(name + " could not be given back: " + error.what());
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

Trial::Trial(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Trial::Trial(Trial&& other) noexcept = default;
Trial& Trial::operator=(Trial&& other) noexcept = default;
Trial::~Trial() = default;

Trial make_trial(const std::shared_ptr<Session>& session, const v1::Trial& wire, std::shared_ptr<Lease> lease) {
  return Trial(std::make_unique<Trial::Impl>(session, wire, std::move(lease)));
}

std::vector<Trial> make_trials(const std::shared_ptr<Session>& session,
                               const google::protobuf::RepeatedPtrField<v1::Trial>& wires) {
  std::vector<Trial> trials;
  for (const v1::Trial& wire : wires) {
    trials.push_back(make_trial(session, wire));
  }
  return trials;
}

const std::string& Trial::name() const noexcept { return impl_->name; }
std::int64_t Trial::number() const noexcept { return impl_->number; }
const Params& Trial::params() const noexcept { return impl_->params; }
TrialInfo Trial::info() const { return *impl_->latest.get(); }
bool Trial::is_open() const { return impl_->state().open; }
bool Trial::should_stop() const { return impl_->state().should_stop; }
std::string Trial::stop_reason() const { return impl_->state().stop_reason; }
bool Trial::lease_lost() const { return impl_->state().lost; }
bool Trial::superseded() const { return impl_->superseded; }

Progress Trial::report(std::int64_t step, const Metrics& metrics) {
  v1::ReportRequest request;
  request.set_name(name());
  request.set_lease_id(impl_->lease_id);
  request.set_step(step);
  encode(metrics, *request.mutable_metrics());
  if (!metrics.empty()) {
    request.set_request_id(new_request_id());
  }
  const auto sent_at = Clock::now();
  Session& session = *impl_->session;
  const auto answer = session.call(*session.trials, &Stub::Report, request);
  if (impl_->lease) {
    session.leases().heard(*impl_->lease, answer, sent_at);
  }
  return {answer.should_stop(), answer.stop_reason(), answer.lease_valid()};
}

void Trial::Impl::tell(Outcome outcome, const Metrics& metrics, const std::string& reason) {
  v1::TellRequest request;
  request.set_name(name);
  if (lease) {
    request.set_lease_id(lease->id);
  }
  request.set_outcome(static_cast<v1::TellOutcome>(outcome));
  encode(metrics, *request.mutable_metrics());
  request.set_reason(shortened(reason));
  request.set_request_id(new_request_id());
  const auto answer = session->call(*session->trials, &Stub::Tell, request);
  end();
  superseded = answer.superseded();
  latest.set(decode(answer.trial()));
}

void Trial::tell(const Metrics& metrics) { impl_->tell(Outcome::succeeded, metrics, {}); }

void Trial::stop(const Metrics& metrics, const std::string& reason) {
  impl_->tell(Outcome::stopped, metrics, reason.empty() ? stop_reason() : reason);
}

void Trial::fail(const std::string& reason, const Metrics& tracked) { impl_->tell(Outcome::failed, tracked, reason); }

void Trial::infeasible(const std::string& reason, const Metrics& tracked) {
  impl_->tell(Outcome::infeasible, tracked, reason);
}

void Trial::release() {
  v1::ReleaseTrialRequest request;
  request.set_name(name());
  request.set_lease_id(impl_->lease_id);
  request.set_request_id(new_request_id());
  Session& session = *impl_->session;
  const auto answer = session.call(*session.trials, &Stub::ReleaseTrial, request);
  impl_->end();
  impl_->latest.set(decode(answer));
}

void Trial::cancel(const std::string& reason) {
  v1::CancelTrialRequest request;
  request.set_name(name());
  request.set_reason(shortened(reason));
  request.set_request_id(new_request_id());
  Session& session = *impl_->session;
  const auto answer = session.call(*session.trials, &Stub::CancelTrial, request);
  impl_->end();
  impl_->latest.set(decode(answer));
}

void Trial::amend(Outcome outcome, const Metrics& metrics, const std::string& reason) {
  v1::AmendTrialRequest request;
  request.set_name(name());
  request.set_outcome(static_cast<v1::TellOutcome>(outcome));
  encode(metrics, *request.mutable_metrics());
  request.set_reason(shortened(reason));
  request.set_request_id(new_request_id());
  Session& session = *impl_->session;
  impl_->latest.set(decode(session.call(*session.trials, &Stub::AmendTrial, request)));
}

void Trial::label(const Texts& labels) {
  v1::UpdateTrialRequest request;
  request.mutable_trial()->set_name(name());
  request.set_request_id(new_request_id());
  encode(labels, *request.mutable_trial()->mutable_labels());
  for (const auto& each : labels) {
    request.mutable_update_mask()->add_paths("labels." + each.first);
  }
  Session& session = *impl_->session;
  impl_->latest.set(decode(session.call(*session.trials, &Stub::UpdateTrial, request)));
}

void Trial::annotate(const Texts& annotations) {
  v1::UpdateTrialRequest request;
  request.mutable_trial()->set_name(name());
  request.set_request_id(new_request_id());
  encode(annotations, *request.mutable_trial()->mutable_annotations());
  for (const auto& each : annotations) {
    request.mutable_update_mask()->add_paths("annotations." + each.first);
  }
  Session& session = *impl_->session;
  impl_->latest.set(decode(session.call(*session.trials, &Stub::UpdateTrial, request)));
}

void Trial::refresh() {
  v1::GetTrialRequest request;
  request.set_name(name());
  Session& session = *impl_->session;
  impl_->latest.set(decode(session.call(*session.trials, &Stub::GetTrial, request)));
}

void Trial::remove() {
  v1::DeleteTrialRequest request;
  request.set_name(name());
  request.set_request_id(new_request_id());
  Session& session = *impl_->session;
  session.call(*session.trials, &Stub::DeleteTrial, request);
}

}  // namespace asktell
