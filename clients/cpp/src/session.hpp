#pragma once

#include <asktell/v1/analysis_service.grpc.pb.h>
#include <asktell/v1/study_service.grpc.pb.h>
#include <asktell/v1/suggestion_service.grpc.pb.h>

#include <tuple>

#include "call.hpp"
#include "leases.hpp"

namespace asktell {

/// A request about the study or trial of that name.
template <class Request>
Request request_for(const std::string& name) {
  Request request;
  request.set_name(name);
  return request;
}

/// What a client and all its handles share: the channel, the calls that are under way, and the open leases.
class Session {
 public:
  explicit Session(Settings given);
  ~Session() { close(); }

  const Settings settings;

  template <class Stub>
  Stub& stub() {
    return *std::get<std::unique_ptr<Stub>>(stubs_);
  }

  /// Calls a stub's method with a deadline and a request id; makes the call again where that is safe, with the same
  /// request: on UNAVAILABLE and on lost races, on nothing else. Throws Error.
  template <class Stub, class Request, class Reply>
  Reply call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*), Request request,
             std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
    Reply reply;
    identify(request);
    const auto invoke = [&](auto& context) { return (stub<Stub>().*method)(&context, request, &reply); };
    if (auto failure = attempt(invoke, timeout.value_or(settings.timeout), false)) {
      explain(*std::move(failure));
    }
    return reply;
  }

  /// Waits; false, at once, when the client is or gets closed, or the other flag says so (see wake).
  bool sleep(Clock::duration delay, const std::function<bool()>& ended = {});
  /// Makes sleepers look at their flags again.
  void wake();
  bool closed() const;

  /// Lets close() end the call of that context too, for as long as the pointer that is returned lives. Throws
  /// ClientClosed.
  std::shared_ptr<grpc::ClientContext> under_way(grpc::ClientContext& context);

  Leases& leases() { return *leases_; }
  /// Gives a trial back, for destructors: false when no server answered. Somebody else having ended it is no failure.
  bool give_back(const Lease& lease);
  void close() noexcept;

 private:
  using Invoke = std::function<grpc::Status(grpc::ClientContext&)>;

  /// Nothing when the call has succeeded. While the client closes, sleeps and calls are no longer cut short by that.
  std::optional<Failure> attempt(const Invoke& invoke, std::chrono::milliseconds timeout, bool closing);
  [[noreturn]] void explain(Failure failure);

  const std::shared_ptr<grpc::Channel> channel_;
  const std::tuple<std::unique_ptr<v1::StudyService::Stub>, std::unique_ptr<v1::TrialService::Stub>,
                   std::unique_ptr<v1::SuggestionService::Stub>, std::unique_ptr<v1::AnalysisService::Stub>>
      stubs_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_set<grpc::ClientContext*> under_way_;  // each belongs to the stack of a call that is under way
  bool closed_ = false;
  std::unique_ptr<Leases> leases_;
};

}  // namespace asktell
