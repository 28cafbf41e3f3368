#pragma once

#include <chrono>
#include <string>

namespace asktell {

using Clock = std::chrono::steady_clock;

/// Jittered and exponential, so that the clients of a restarted server do not come back in step.
class Backoff {
 public:
  /// Never less than the server's hint.
  Clock::duration next(std::chrono::milliseconds hint);
  void reset() { last_ = {}; }

 private:
  std::chrono::milliseconds last_{0};
};

/// A random share between low and high of the delay.
Clock::duration jitter(std::chrono::milliseconds delay, double low, double high);

/// The id by which the server knows a retry from a new request.
std::string new_request_id();

}  // namespace asktell
