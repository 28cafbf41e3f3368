#include "session.hpp"

#include "channel.hpp"

namespace asktell {
namespace {

using std::chrono::milliseconds;

constexpr int contention_tries = 8;
constexpr milliseconds release_timeout{3'000};  // a program that ends should end
constexpr milliseconds close_timeout{10'000};

}  // namespace

Session::Session(Settings given)
    : settings(std::move(given)),
      channel(open_channel(settings)),
      studies(v1::StudyService::NewStub(channel)),
      trials(v1::TrialService::NewStub(channel)),
      suggestions(v1::SuggestionService::NewStub(channel)),
      leases_(std::make_unique<Leases>(settings, *trials)) {}

Session::UnderWay::UnderWay(Session& session, grpc::ClientContext& context) : session_(session), context_(context) {
  const std::lock_guard lock(session_.mutex_);
  if (session_.closed_) {
    raise_closed();
  }
  session_.under_way_.insert(&context_);
}

Session::UnderWay::~UnderWay() {
  const std::lock_guard lock(session_.mutex_);
  session_.under_way_.erase(&context_);
}

void Session::run(const Invoke& invoke, milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  const auto wall_deadline = std::chrono::system_clock::now() + timeout;
  Backoff backoff;
  for (int tries = 1;; ++tries) {
    grpc::ClientContext context;  // good for one attempt only
    prepare(context, settings);
    context.set_deadline(wall_deadline);
    grpc::Status status;
    {
      const UnderWay under_way(*this, context);
      status = invoke(context);
    }
    if (status.ok()) {
      return;
    }
    const Failure failure = make_failure(status, context);
    const bool again = failure.is_unavailable() || (failure.is_contention() && tries < contention_tries);
    const auto delay = backoff.next(failure.details.retry_after);
    if (!again || deadline - Clock::now() <= delay || !sleep(delay)) {
      explain(failure);
    }
  }
}

// Tells a server that cannot be reached from one that is slow, and a closed client from a failed call.
void Session::explain(Failure failure) {
  if (closed()) {
    raise_closed();
  }
  const auto state = channel->GetState(false);
  if (failure.code == grpc::StatusCode::DEADLINE_EXCEEDED && failure.details.reason.empty() &&
      state != GRPC_CHANNEL_READY && state != GRPC_CHANNEL_IDLE) {
    failure.code = grpc::StatusCode::UNAVAILABLE;
    failure.details.message = "no server answers at " + settings.address_text() +
                              ": is asktell-server running there? (" + failure.details.message + ")";
  }
  raise(failure);
}

bool Session::sleep(Clock::duration delay, const std::function<bool()>& ended) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, delay, [&] { return closed_ || ended(); });
}

void Session::wake() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

bool Session::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

bool Session::give_back(const Lease& lease) {
  v1::ReleaseTrialRequest request;
  request.set_name(lease.name);
  request.set_lease_id(lease.id);
  request.set_request_id(new_request_id());
  const auto deadline = Clock::now() + release_timeout;
  const auto wall_deadline = std::chrono::system_clock::now() + release_timeout;
  Backoff backoff;
  for (;;) {
    grpc::ClientContext context;
    prepare(context, settings);
    context.set_deadline(wall_deadline);
    v1::Trial trial;
    const grpc::Status status = trials->ReleaseTrial(&context, request, &trial);
    if (status.ok()) {
      return true;
    }
    const Failure failure = make_failure(status, context);
    if (failure.is_not_found() || failure.is_precondition()) {
      return true;
    }
    const auto delay = backoff.next(failure.details.retry_after);
    if ((!failure.is_unavailable() && !failure.is_contention()) || deadline - Clock::now() <= delay) {
      return false;
    }
    std::this_thread::sleep_for(delay);
  }
}

// Endless leases belong to a person or a slow lab, who tell them with another client.
void Session::close() noexcept {
  try {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) {
        return;
      }
      closed_ = true;
      for (grpc::ClientContext* context : under_way_) {
        context->TryCancel();
      }
      changed_.notify_all();
    }
    const auto deadline = Clock::now() + close_timeout;
    bool reachable = true;
    for (const auto& lease : leases_->stop()) {
      // One that fails for want of a server says enough about all.
      if (lease->duration.count() > 0 && !lease->lost && reachable && Clock::now() < deadline) {
        reachable = give_back(*lease);
      }
      leases_->close(lease);
    }
    if (!reachable) {
      settings.warn("open trials could not be given back: their leases run out by themselves");
    }
  } catch (const std::exception& error) {
    settings.warn(std::string("while the client was being closed: ") + error.what());
  }
}

void raise_closed() {
  ErrorDetails details;
  details.message = "the client has been closed";
  throw ClientClosed(std::move(details));
}

}  // namespace asktell
