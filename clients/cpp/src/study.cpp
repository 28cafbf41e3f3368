#include "asktell/study.hpp"

#include "handles.hpp"

namespace asktell {
namespace {

constexpr std::chrono::milliseconds default_ask_delay{1000};
constexpr int page_size = 500;

/// For Study::update.
v1::Study with_state(v1::StudyState state) {
  v1::Study study;
  study.set_state(state);
  return study;
}

}  // namespace

const std::string& Study::name() const noexcept { return impl_->name; }
std::string Study::id() const { return name().substr(name().rfind('/') + 1); }
std::shared_ptr<const v1::Study> Study::info() const { return impl_->get(); }

void Study::refresh() { impl_->set_by(&StudyStub::GetStudy, request_for<v1::GetStudyRequest>(name())); }

Trial Study::ask(AskOptions options) {
  std::vector<Trial> trials = ask_many(1, std::move(options));
  return std::move(trials.front());
}

std::vector<Trial> Study::ask_many(int count, AskOptions options) {
  const std::shared_ptr<Session>& session = impl_->session;
  v1::AskRequest& request = options.request;
  request.set_study(name());
  request.set_count(count);
  if (request.worker_id().empty()) {
    request.set_worker_id(*session->settings.worker_id);
  }
  const auto began = Clock::now();
  for (;;) {
    const auto sent_at = Clock::now();
    try {
      const v1::AskResponse answer = session->call(&TrialStub::Ask, request, session->settings.ask_timeout);
      std::vector<Trial> trials;
      for (const v1::Trial& message : answer.trials()) {
        auto lease = std::make_shared<Lease>(message, sent_at);
        session->leases().keep_alive(lease);
        trials.push_back(make_handle(session, message, std::move(lease)));
      }
      if (trials.empty()) {
        throw Internal({"the server answered an ask without a trial", {}, {}, {}});
      }
      return trials;
    } catch (const StudyComplete&) {
      try {
        refresh();              // what is printed after the last trial is true
      } catch (const Error&) {  // the news is that the study is complete, whatever this says
      }
      throw;
    } catch (const ResourceExhausted& error) {
      const bool may_pass = error.reason() == "NO_TRIAL_AVAILABLE" || error.reason() == "OVERLOADED";
      const auto delay = jitter(error.retry_after().count() > 0 ? error.retry_after() : default_ask_delay, 1.0, 1.2);
      if (!may_pass || (options.wait && began + *options.wait - Clock::now() < delay)) {
        throw;
      }
      if (!session->sleep(delay)) {
        throw ClientClosed();
      }
    }
  }
}

Trial Study::trial(std::int64_t number) const {
  auto request = request_for<v1::GetTrialRequest>(name() + "/trials/" + std::to_string(number));
  return make_handle(impl_->session, impl_->session->call(&TrialStub::GetTrial, std::move(request)));
}

Sequence<Trial> Study::trials(v1::ListTrialsRequest request) const {
  request.set_parent(name());
  if (request.page_size() == 0) {
    request.set_page_size(page_size);
  }
  return pages<Trial>(impl_->session, &TrialStub::ListTrials, std::move(request), &v1::ListTrialsResponse::trials);
}

std::optional<Trial> Study::best() const {
  if (info()->objectives_size() > 1) {
    throw SeveralObjectives(name() + " has several objectives and no single best trial: see pareto_front()");
  }
  std::vector<Trial> trials = pareto_front();
  return trials.empty() ? std::nullopt : std::optional(std::move(trials.front()));
}

std::vector<Trial> Study::best(int count) const {
  v1::ListBestTrialsRequest request;
  request.set_count(count);
  return make_handles(impl_->session, list_best(std::move(request)).trials());
}

std::vector<Trial> Study::pareto_front() const {
  const v1::ListBestTrialsResponse answer = list_best({});
  return answer.infeasible() ? std::vector<Trial>() : make_handles(impl_->session, answer.trials());
}

std::optional<double> Study::hypervolume() const {
  const v1::ListBestTrialsResponse answer = list_best({});
  return answer.has_hypervolume() ? std::optional(answer.hypervolume()) : std::nullopt;
}

v1::ListBestTrialsResponse Study::list_best(v1::ListBestTrialsRequest request) const {
  request.set_parent(name());
  v1::ListBestTrialsResponse answer = impl_->session->call(&TrialStub::ListBestTrials, std::move(request));
  impl_->set_best(answer);
  return answer;
}

std::optional<v1::BestByModel> Study::best_by_model() const {
  v1::ListBestTrialsRequest request;
  request.set_by_model(true);
  const v1::ListBestTrialsResponse answer = list_best(std::move(request));
  return answer.has_best_by_model() ? std::optional(answer.best_by_model()) : std::nullopt;
}

std::vector<Trial> Study::enqueue(const std::vector<Params>& configurations) {
  v1::EnqueueTrialsRequest request;
  for (const Params& params : configurations) {
    *request.add_trials()->mutable_parameters() = params;
  }
  return enqueue(std::move(request));
}

std::vector<Trial> Study::enqueue(v1::EnqueueTrialsRequest request) {
  request.set_study(name());
  return make_handles(impl_->session, impl_->session->call(&TrialStub::EnqueueTrials, std::move(request)).trials());
}

v1::ImportTrialsResponse Study::import(v1::ImportTrialsRequest request) {
  request.set_study(name());
  return impl_->session->call(&TrialStub::ImportTrials, std::move(request));
}

void Study::pause() { update(with_state(v1::STUDY_STATE_PAUSED), {"state"}); }
void Study::resume() { update(with_state(v1::STUDY_STATE_ACTIVE), {"state"}); }
void Study::finish() { update(with_state(v1::STUDY_STATE_FINISHED), {"state"}); }

void Study::update(v1::Study values, const std::vector<std::string>& paths) {
  v1::UpdateStudyRequest request;
  *request.mutable_study() = std::move(values);
  request.mutable_study()->set_name(name());
  *request.mutable_update_mask()->mutable_paths() = {paths.begin(), paths.end()};
  impl_->set_by(&StudyStub::UpdateStudy, std::move(request));
}

void Study::remove(const std::string& etag) {
  auto request = request_for<v1::DeleteStudyRequest>(name());
  request.set_etag(etag);
  impl_->session->call(&StudyStub::DeleteStudy, std::move(request));
}

}  // namespace asktell
