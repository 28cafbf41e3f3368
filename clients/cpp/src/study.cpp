#include "asktell/study.hpp"

#include "handles.hpp"
#include "info_codec.hpp"
#include "values_codec.hpp"

namespace asktell {
namespace {

constexpr std::chrono::milliseconds default_ask_delay{1000};

using Stub = v1::TrialService::Stub;

/// One ask; when nothing can be handed out now, none, and how long to wait in `delay` unless `last` rethrows.
std::optional<v1::AskResponse> try_ask(Session& session, const v1::AskRequest& request,
                                       const std::function<void(Clock::duration)>& wait) {
  const auto later = [&wait](const Error& error) {
    wait(jitter(error.retry_after().count() > 0 ? error.retry_after() : default_ask_delay, 1.0, 1.2));
  };
  try {
    return session.call(*session.trials, &Stub::Ask, request, session.settings.ask_timeout);
  } catch (const NoTrialAvailable& error) {
    later(error);
  } catch (const Overloaded& error) {
    later(error);
  }
  return std::nullopt;
}

}  // namespace

Study::Impl::Impl(std::shared_ptr<Session> shared, const v1::Study& wire)
    : session(std::move(shared)), latest(decode(wire)), name(wire.name()) {}

Study::Study(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

Study make_study(const std::shared_ptr<Session>& session, const v1::Study& wire) {
  return Study(std::make_shared<Study::Impl>(session, wire));
}

const std::string& Study::name() const noexcept { return impl_->name; }
std::string Study::id() const { return name().substr(name().rfind('/') + 1); }
StudyInfo Study::info() const { return *impl_->latest.get(); }

void Study::refresh() {
  v1::GetStudyRequest request;
  request.set_name(name());
  Session& session = *impl_->session;
  impl_->latest.set(decode(session.call(*session.studies, &v1::StudyService::Stub::GetStudy, request)));
}

Trial Study::ask(const AskOptions& options) {
  std::vector<Trial> trials = ask_many(1, options);
  return std::move(trials.front());
}

std::vector<Trial> Study::ask_many(int count, const AskOptions& options) {
  const std::shared_ptr<Session>& session = impl_->session;
  const auto began = Clock::now();
  v1::AskRequest request;
  request.set_study(name());
  request.set_count(count);
  request.set_worker_id(options.worker_id.value_or(session->settings.worker_id));
  const auto wait = [&](Clock::duration delay) {  // called while the error is being handled
    if (options.wait && began + *options.wait - Clock::now() < delay) {
      throw;
    }
    if (!session->sleep(delay)) {
      raise_closed();
    }
  };
  for (;;) {
    request.set_request_id(new_request_id());
    const auto sent_at = Clock::now();
    const auto answer = try_ask(*session, request, wait);
    if (!answer) {
      continue;
    }
    if (answer->trials().empty()) {
      ErrorDetails details;
      details.message = "the server answered an ask without a trial";
      throw Internal(std::move(details));
    }
    std::vector<Trial> trials;
    for (const v1::Trial& wire : answer->trials()) {
      auto lease = std::make_shared<Lease>(wire, sent_at);
      session->leases().hold(lease);
      trials.push_back(make_trial(session, wire, std::move(lease)));
    }
    return trials;
  }
}

Trial Study::trial(std::int64_t number) const {
  v1::GetTrialRequest request;
  request.set_name(name() + "/trials/" + std::to_string(number));
  Session& session = *impl_->session;
  return make_trial(impl_->session, session.call(*session.trials, &Stub::GetTrial, request));
}

Sequence<Trial> Study::trials(const TrialFilter& filter) const {
  v1::ListTrialsRequest request;
  request.set_parent(name());
  request.set_page_size(filter.page_size);
  for (const TrialState state : filter.states) {
    request.mutable_filter()->add_states(static_cast<v1::TrialState>(state));
  }
  request.mutable_filter()->set_worker_id(filter.worker_id);
  encode(filter.labels, *request.mutable_filter()->mutable_labels());
  return pages<Trial, v1::Trial>(
      [session = impl_->session, request](std::string& token) mutable {
        request.set_page_token(token);
        auto answer = session->call(*session->trials, &Stub::ListTrials, request);
        token = answer.next_page_token();
        return std::move(*answer.mutable_trials());
      },
      [session = impl_->session](const v1::Trial& wire) { return make_trial(session, wire); });
}

std::optional<Trial> Study::best() const {
  std::vector<Trial> trials = best(1);
  return trials.empty() ? std::nullopt : std::optional(std::move(trials.front()));
}

std::vector<Trial> Study::best(int count) const {
  v1::ListBestTrialsRequest request;
  request.set_parent(name());
  request.set_count(count);
  Session& session = *impl_->session;
  return make_trials(impl_->session, session.call(*session.trials, &Stub::ListBestTrials, request).trials());
}

std::optional<BestByModel> Study::best_by_model() const {
  v1::ListBestTrialsRequest request;
  request.set_parent(name());
  request.set_by_model(true);
  Session& session = *impl_->session;
  const auto answer = session.call(*session.trials, &Stub::ListBestTrials, request);
  if (!answer.has_best_by_model()) {
    return std::nullopt;
  }
  const v1::BestByModel& best = answer.best_by_model();
  return BestByModel{make_trial(impl_->session, best.trial()), best.mean(), best.standard_deviation(), best.noise()};
}

std::vector<Trial> Study::enqueue(const std::vector<QueuedTrial>& trials) {
  v1::EnqueueTrialsRequest request;
  request.set_study(name());
  request.set_request_id(new_request_id());
  for (const QueuedTrial& trial : trials) {
    v1::EnqueuedTrial& wire = *request.add_trials();
    encode(trial.params, *wire.mutable_parameters());
    encode(trial.labels, *wire.mutable_labels());
    encode(trial.annotations, *wire.mutable_annotations());
  }
  Session& session = *impl_->session;
  return make_trials(impl_->session, session.call(*session.trials, &Stub::EnqueueTrials, request).trials());
}

Imported Study::import(const std::vector<ImportedTrial>& trials) {
  v1::ImportTrialsRequest request;
  request.set_study(name());
  request.set_request_id(new_request_id());
  for (const ImportedTrial& trial : trials) {
    v1::ImportedTrial& wire = *request.add_trials();
    wire.set_import_key(trial.key);
    encode(trial.params, *wire.mutable_parameters());
    wire.set_outcome(static_cast<v1::TellOutcome>(trial.outcome));
    encode(trial.metrics, *wire.mutable_metrics());
    wire.set_reason(trial.reason);
    if (trial.start_time) {
      encode_time(*trial.start_time, *wire.mutable_start_time());
    }
    if (trial.finish_time) {
      encode_time(*trial.finish_time, *wire.mutable_finish_time());
    }
    encode(trial.labels, *wire.mutable_labels());
    encode(trial.annotations, *wire.mutable_annotations());
  }
  Session& session = *impl_->session;
  const auto answer = session.call(*session.trials, &Stub::ImportTrials, request);
  return {make_trials(impl_->session, answer.trials()), answer.imported_count()};
}

Watch Study::watch(const std::string& cursor) const { return make_watch(impl_->session, name(), cursor); }

}  // namespace asktell
