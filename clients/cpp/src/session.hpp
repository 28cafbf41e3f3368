#pragma once

#include <asktell/v1/study_service.grpc.pb.h>
#include <asktell/v1/suggestion_service.grpc.pb.h>
#include <asktell/v1/trial_service.grpc.pb.h>
#include <grpcpp/channel.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

#include "call.hpp"
#include "leases.hpp"
#include "options.hpp"
#include "status.hpp"

namespace asktell {

/// What a client and all its handles share: the channel, the calls that are under way, and the open leases.
class Session {
 public:
  explicit Session(Settings given);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { close(); }

  const Settings settings;
  const std::shared_ptr<grpc::Channel> channel;
  const std::unique_ptr<v1::StudyService::Stub> studies;
  const std::unique_ptr<v1::TrialService::Stub> trials;
  const std::unique_ptr<v1::SuggestionService::Stub> suggestions;

  /// Calls a stub's method with a deadline; makes the call again where that is safe, with the same request and so with
  /// the same request id: on UNAVAILABLE and on lost races, on nothing else. Throws Error.
  template <class Stub, class Request, class Reply>
  Reply call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
             const Request& request) {
    return call(stub, method, request, settings.timeout);
  }
  template <class Stub, class Request, class Reply>
  Reply call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
             const Request& request, std::chrono::milliseconds timeout) {
    Reply reply;
    run([&](grpc::ClientContext& context) { return (stub.*method)(&context, request, &reply); }, timeout);
    return reply;
  }

  /// Waits; false, at once, when the client is or gets closed, or the other flag says so (see wake).
  bool sleep(
      Clock::duration delay, const std::function<bool()>& ended = [] { return false; });
  /// Makes sleepers look at their flags again.
  void wake();
  bool closed() const;

  /// A call that close() ends as well; it is under way for as long as this object lives.
  class UnderWay {
   public:
    UnderWay(Session& session, grpc::ClientContext& context);
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;
    ~UnderWay();

   private:
    Session& session_;
    grpc::ClientContext& context_;
  };

  Leases& leases() { return *leases_; }
  /// Gives a trial back, for destructors: false when no server answered. Somebody else having ended it is no failure.
  bool give_back(const Lease& lease);
  void close() noexcept;

 private:
  using Invoke = std::function<grpc::Status(grpc::ClientContext&)>;

  void run(const Invoke& invoke, std::chrono::milliseconds timeout);
  [[noreturn]] void explain(Failure failure);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_set<grpc::ClientContext*> under_way_;  // each belongs to the stack of a call that is under way
  bool closed_ = false;
  std::unique_ptr<Leases> leases_;
};

[[noreturn]] void raise_closed();

}  // namespace asktell
