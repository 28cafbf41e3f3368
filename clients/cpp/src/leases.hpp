#pragma once

#include <asktell/v1/trial_service.grpc.pb.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "call.hpp"
#include "options.hpp"

namespace asktell {

/// A worker's hold on a trial: closed by a result, lost when the server says so. Leases guards what changes.
struct Lease {
  Lease(const v1::Trial& trial, Clock::time_point taken_at);

  const std::string name;
  const std::string id;
  const std::chrono::milliseconds duration;  // 0 = for ever
  const std::chrono::milliseconds interval;  // of heartbeats

  Clock::time_point due;
  bool closed = false;
  bool lost = false;
  bool should_stop = false;
  std::string stop_reason;
  bool beating = false;  // a heartbeat is under way
  bool failing = false;  // the last one failed
};

struct LeaseState {
  bool open, lost, should_stop;
  std::string stop_reason;
};

/// The open leases of a client, and the thread that renews them. Heartbeats are sent without waiting for answers, so
/// that one slow answer lets no other lease run out.
class Leases {
 public:
  Leases(const Settings& settings, v1::TrialService::Stub& trials) : settings_(settings), trials_(trials) {}
  Leases(const Leases&) = delete;
  Leases& operator=(const Leases&) = delete;
  ~Leases() { stop(); }

  /// Keeps the lease alive from now on, until it is closed or lost.
  void hold(const std::shared_ptr<Lease>& lease);
  /// Takes over what the server said to a report that was sent at sent_at.
  void heard(Lease& lease, const v1::ReportResponse& answer, Clock::time_point sent_at);
  void close(const std::shared_ptr<Lease>& lease);
  LeaseState state(const Lease& lease) const;

  /// Ends the heartbeats, for ever. Returns the leases that are still open.
  std::vector<std::shared_ptr<Lease>> stop();

 private:
  struct Beat;

  void run();
  void send(const std::shared_ptr<Lease>& lease);
  void answered(const std::shared_ptr<Beat>& beat, const grpc::Status& status);
  Clock::time_point earliest() const;

  const Settings& settings_;
  v1::TrialService::Stub& trials_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_set<std::shared_ptr<Lease>> open_;
  std::unordered_set<std::shared_ptr<Beat>> beats_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace asktell
