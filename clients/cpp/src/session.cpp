#include "session.hpp"

namespace asktell {
namespace {

using std::chrono::milliseconds;

constexpr int contention_tries = 8;
constexpr milliseconds release_timeout{3'000};  // a program that ends should end
constexpr milliseconds close_timeout{10'000};

}  // namespace

Session::Session(Settings given)
    : settings(std::move(given)),
      channel_(open_channel(settings)),
      stubs_(v1::StudyService::NewStub(channel_), v1::TrialService::NewStub(channel_),
             v1::SuggestionService::NewStub(channel_), v1::AnalysisService::NewStub(channel_)),
      leases_(std::make_unique<Leases>(settings, stub<v1::TrialService::Stub>())) {}

std::shared_ptr<grpc::ClientContext> Session::under_way(grpc::ClientContext& context) {
  const std::lock_guard lock(mutex_);
  if (closed_) {
    throw ClientClosed();
  }
  under_way_.insert(&context);
  return {&context, [this](grpc::ClientContext* ended) {
            const std::lock_guard erasing(mutex_);
            under_way_.erase(ended);
          }};
}

std::optional<Failure> Session::attempt(const Invoke& invoke, milliseconds timeout, bool closing) {
  const auto deadline = Clock::now() + timeout;
  const auto wall_deadline = std::chrono::system_clock::now() + timeout;
  Backoff backoff;
  for (int tries = 1;; ++tries) {
    grpc::ClientContext context;  // good for one attempt only
    prepare(context, settings);
    context.set_deadline(wall_deadline);
    grpc::Status status;
    {
      const auto registered = closing ? nullptr : under_way(context);
      status = invoke(context);
    }
    if (status.ok()) {
      return std::nullopt;
    }
    Failure failure(status, context);
    const bool is_contention = failure.details.reason == "CONTENTION";
    const bool again = failure.code == grpc::UNAVAILABLE || (is_contention && tries < contention_tries);
    const auto delay = backoff.next(failure.details.retry_after);
    if (!again || deadline - Clock::now() <= delay || (!closing && !sleep(delay))) {
      return failure;
    }
    if (closing) {
      std::this_thread::sleep_for(delay);
    }
  }
}

// Tells a server that cannot be reached from one that is slow, and a closed client from a failed call.
void Session::explain(Failure failure) {
  if (closed()) {
    throw ClientClosed();
  }
  const auto state = channel_->GetState(false);
  if (failure.code == grpc::DEADLINE_EXCEEDED && failure.details.reason.empty() && state != GRPC_CHANNEL_READY &&
      state != GRPC_CHANNEL_IDLE) {
    failure.code = grpc::UNAVAILABLE;
    failure.details.message = "no server answers at " + *settings.address + ": is asktell-server running there? (" +
                              failure.details.message + ")";
  }
  failure.raise();
}

bool Session::sleep(Clock::duration delay, const std::function<bool()>& ended) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, delay, [&] { return closed_ || (ended && ended()); });
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
  auto request = request_for<v1::ReleaseTrialRequest>(lease.name);
  request.set_lease_id(lease.id);
  identify(request);
  v1::Trial trial;
  const auto release = [&](grpc::ClientContext& context) {
    return stub<v1::TrialService::Stub>().ReleaseTrial(&context, request, &trial);
  };
  const auto failure = attempt(release, release_timeout, true);
  return !failure || failure->code == grpc::NOT_FOUND || failure->code == grpc::FAILED_PRECONDITION;
}

// Endless leases belong to a person or a slow lab, who tell them with another client.
void Session::close() noexcept {
  try {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(closed_, true)) {
        return;
      }
      for (grpc::ClientContext* context : under_way_) {
        context->TryCancel();
      }
      changed_.notify_all();
    }
    const auto deadline = Clock::now() + close_timeout;
    bool reachable = true;
    for (const auto& lease : leases_->stop()) {
      // One that fails for want of a server says enough about all.
      if (lease->duration.count() > 0 && !lease->state.lost && reachable && Clock::now() < deadline) {
        reachable = give_back(*lease);
      }
      leases_->close(lease);
    }
    if (!reachable) {
      settings.on_warning("open trials could not be given back: their leases run out by themselves");
    }
  } catch (const std::exception& error) {
    settings.on_warning(std::string("while the client was being closed: ") + error.what());
  }
}

}  // namespace asktell
