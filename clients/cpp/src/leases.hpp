#pragma once

#include <asktell/v1/trial_service.grpc.pb.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "call.hpp"

namespace asktell {

/// How a lease stands.
struct LeaseState {
  bool open = true;  // neither told nor given back
  bool lost = false;
  bool should_stop = false;
  std::string stop_reason;
};

/// What gives a trial to a worker until it is told or given back, or the server says that it is lost.
struct Lease {
  Lease(const v1::Trial& trial, Clock::time_point taken_at);

  const std::string name;
  const std::string id;
  const std::chrono::milliseconds duration;  // 0 = for ever
  const std::chrono::milliseconds interval;  // of heartbeats

  // What follows is guarded by Leases.
  LeaseState state;
  Clock::time_point due;
  bool beating = false;  // a heartbeat is under way
  bool failing = false;  // the last one failed
};

/// The open leases of a client, and the thread that renews them. Heartbeats are sent without waiting for answers, so
/// that one slow answer lets no other lease run out.
class Leases {
 public:
  Leases(const Settings& settings, v1::TrialService::Stub& trials) : settings_(settings), trials_(trials) {}
  ~Leases() { stop(); }

  /// Keeps the lease alive from now on, until it is closed or lost.
  void keep_alive(const std::shared_ptr<Lease>& lease);
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
