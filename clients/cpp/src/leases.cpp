#include "leases.hpp"

#include <google/protobuf/util/time_util.h>

#include <algorithm>

namespace asktell {
namespace {

using std::chrono::milliseconds;

constexpr int beats_per_lease = 3;
constexpr milliseconds shortest_beat{200};
constexpr milliseconds longest_call{10'000};  // how long one heartbeat may take
constexpr milliseconds failed_beat{2'000};    // a failed one is tried again soon, not an interval later

milliseconds duration_of(const v1::Trial& trial) {
  if (!trial.has_lease_expire_time()) {
    return milliseconds(0);
  }
  // Both are times of the server's one clock: this machine's own may differ.
  const auto length = trial.lease_expire_time() - trial.start_time();
  return std::max(shortest_beat, milliseconds(google::protobuf::util::TimeUtil::DurationToMilliseconds(length)));
}

}  // namespace

struct Leases::Beat {
  std::shared_ptr<Lease> lease;
  Clock::time_point sent_at;
  grpc::ClientContext context;
  v1::ReportRequest request;
  v1::ReportResponse answer;
};

// The time at which the Ask was sent counts, so that a slow answer does not lengthen the lease.
Lease::Lease(const v1::Trial& trial, Clock::time_point taken_at)
    : name(trial.name()),
      id(trial.lease_id()),
      duration(duration_of(trial)),
      interval(std::max(shortest_beat, duration / beats_per_lease)),
      due(taken_at + interval) {}

void Leases::keep_alive(const std::shared_ptr<Lease>& lease) {
  const std::lock_guard lock(mutex_);
  if (stopping_) {
    return;  // an ask that was answered while the client was being closed: the lease runs out by itself
  }
  open_.insert(lease);
  if (lease->duration.count() > 0 && !thread_.joinable()) {
    thread_ = std::thread([this] { run(); });
  }
  changed_.notify_all();
}

void Leases::heard(Lease& lease, const v1::ReportResponse& answer, Clock::time_point sent_at) {
  const std::lock_guard lock(mutex_);
  if (lease.state.open) {
    lease.due = sent_at + lease.interval;
    lease.failing = false;
    lease.state.stop_reason = answer.stop_reason();
    lease.state.should_stop = lease.state.should_stop || answer.should_stop();
    lease.state.lost = lease.state.lost || !answer.lease_valid();
    changed_.notify_all();
  }
}

void Leases::close(const std::shared_ptr<Lease>& lease) {
  const std::lock_guard lock(mutex_);
  lease->state.open = lease->state.lost = false;
  open_.erase(lease);
}

LeaseState Leases::state(const Lease& lease) const {
  const std::lock_guard lock(mutex_);
  return lease.state;
}

std::vector<std::shared_ptr<Lease>> Leases::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  for (const auto& beat : beats_) {
    beat->context.TryCancel();
  }
  changed_.wait(lock, [this] { return beats_.empty(); });
  std::thread thread = std::move(thread_);
  std::vector<std::shared_ptr<Lease>> left(open_.begin(), open_.end());
  open_.clear();
  lock.unlock();
  if (thread.joinable()) {
    thread.join();
  }
  return left;
}

void Leases::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = Clock::now();
    auto next = now + std::chrono::hours(1);
    for (const auto& lease : open_) {
      if (lease->duration.count() == 0 || lease->state.lost || lease->beating) {
        continue;
      }
      if (lease->due <= now) {
        send(lease);
      } else {
        next = std::min(next, lease->due);
      }
    }
    changed_.wait_until(lock, next);
  }
}

// A heartbeat is a report without metrics.
void Leases::send(const std::shared_ptr<Lease>& lease) {
  auto beat = std::make_shared<Beat>();
  beat->lease = lease;
  beat->sent_at = Clock::now();
  beat->request.set_name(lease->name);
  beat->request.set_lease_id(lease->id);
  prepare(beat->context, settings_);
  const auto patience = std::clamp(lease->interval, milliseconds(1'000), longest_call);
  beat->context.set_deadline(std::chrono::system_clock::now() + patience);
  lease->beating = true;
  beats_.insert(beat);
  trials_.async()->Report(&beat->context, &beat->request, &beat->answer,
                          [this, beat](const grpc::Status& status) { answered(beat, status); });
}

void Leases::answered(const std::shared_ptr<Beat>& beat, const grpc::Status& status) {
  Lease& lease = *beat->lease;
  std::string warning;
  if (status.ok()) {
    heard(lease, beat->answer, beat->sent_at);
  } else {
    const Failure failure(status, beat->context);
    const std::lock_guard lock(mutex_);
    if (lease.state.open && failure.code == grpc::NOT_FOUND) {  // the trial or the study has been deleted
      lease.state.should_stop = lease.state.lost = true;
    } else if (lease.state.open && !stopping_) {
      lease.due = Clock::now() + std::min(lease.interval, failed_beat);
      if (!lease.failing) {  // an outage is one line, not one for each beat
        warning = "heartbeat of " + lease.name + " failed: " + failure.details.message;
      }
      lease.failing = true;
    }
  }
  if (!warning.empty()) {
    settings_.on_warning(warning);
  }
  // Last, and notified under the lock: stop() waits for it, and *this may be gone right after.
  const std::lock_guard lock(mutex_);
  lease.beating = false;
  beats_.erase(beat);
  changed_.notify_all();
}

}  // namespace asktell
