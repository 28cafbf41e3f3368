#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <memory>

#include "asktell/errors.hpp"
#include "options.hpp"

namespace asktell {

using Clock = std::chrono::steady_clock;

/// A channel to all of the addresses; the connections themselves are made by the first call.
std::shared_ptr<grpc::Channel> open_channel(const Settings& settings);

/// What every call carries, streams too.
void prepare(grpc::ClientContext& context, const Settings& settings);

/// Gives a request that may have a request id and has none a new one: by it the server knows a retry.
void identify(google::protobuf::Message& request);

/// What a status and its details say, before it becomes an exception.
struct Failure {
  /// The context has the trailing metadata of the call that has ended.
  Failure(const grpc::Status& status, const grpc::ClientContext& context);

  grpc::StatusCode code;
  ErrorDetails details;

  /// Throws the exception of the reason, or of the code.
  [[noreturn]] void raise() const;
};

/// A random share between low and high of the delay.
Clock::duration jitter(std::chrono::milliseconds delay, double low, double high);

/// Jittered and exponential, so that the clients of a restarted server do not come back in step.
class Backoff {
 public:
  /// Never less than the server's hint.
  Clock::duration next(std::chrono::milliseconds hint);
  void reset() { last_ = {}; }

 private:
  std::chrono::milliseconds last_{0};
};

}  // namespace asktell
