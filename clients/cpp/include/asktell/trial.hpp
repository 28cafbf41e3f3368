#pragma once

#include <asktell/v1/trial_service.pb.h>

#include <iosfwd>
#include <memory>
#include <vector>

#include "asktell/values.hpp"

namespace asktell {

/// The number at the end of a trial's resource name; 0 when there is none.
std::int64_t trial_number(const std::string& name);

/// One configuration and what became of it. One that came from Study::ask is open: it heartbeats in the background
/// until it is told or released. The destructor gives an open one back, so that another worker gets it at once, except
/// one whose lease never ends. Methods may be called from several threads.
class Trial {
 public:
  class Impl;
  explicit Trial(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
  Trial(Trial&&) noexcept = default;
  Trial& operator=(Trial&&) noexcept = default;

  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] std::int64_t number() const noexcept;
  [[nodiscard]] const Params& params() const noexcept;
  /// The trial as of the last call that answered with it; refresh() reads it anew. Keep the pointer for as long as you
  /// use references into the message.
  [[nodiscard]] std::shared_ptr<const v1::Trial> info() const;

  /// Whether this client asked for the trial, and has neither told it nor given it back.
  [[nodiscard]] bool is_open() const;
  /// Whether the server wants the trial to end now, as of the last report or heartbeat: tell it with stop().
  [[nodiscard]] bool should_stop() const;
  /// Why, for people.
  [[nodiscard]] std::string stop_reason() const;
  /// Whether the open trial's lease ran out or the trial was called off. A result that is told nevertheless is still
  /// taken if it is the first.
  [[nodiscard]] bool lease_lost() const;
  /// Whether another attempt's result was there before the one told here, which is kept in the trail.
  [[nodiscard]] bool superseded() const;

  /// Tells intermediate metrics at a step and renews the lease. Without metrics it is a heartbeat. A lost lease is no
  /// error: the answer says so. @throws NotFinite, UnknownMetric, LimitExceeded.
  v1::ReportResponse report(std::int64_t step, const Metrics& metrics = {});
  /// report with all that the request can say; the name and lease are filled in.
  v1::ReportResponse report(v1::ReportRequest request);

  /// Tells the result. Once it returns, the result is on the server's disk; telling it again is harmless.
  /// @throws MissingObjective, UnknownMetric, NotFinite (nothing was changed), ResultConflict, IllegalTransition.
  void tell(const Metrics& metrics);
  /// Tells that the trial ended early, with its last known metrics; without any, the last report counts. An empty
  /// reason is replaced by the server's, if it was the server that wanted the trial to stop.
  void stop(const Metrics& metrics = {}, const std::string& reason = {});
  /// Tells that the trial ended without a result: crashed, diverged.
  void fail(const std::string& reason, const Metrics& tracked = {});
  /// Tells that the configuration cannot be run at all, for example does not fit in memory.
  void infeasible(const std::string& reason, const Metrics& tracked = {});
  /// Tells any end, with all that the request can say; the name and lease are filled in.
  void tell(v1::TellRequest request);

  /// Gives the trial back at once: the next asker gets it, and this attempt does not count.
  /// @throws LeaseLost, IllegalTransition.
  void release();
  /// Calls a queued or running trial off; its worker is told to stop. @throws IllegalTransition.
  void cancel(const std::string& reason = {});
  /// Corrects the result of a trial that has ended; the metrics replace all former ones, which stay in its amendments.
  /// @throws As tell(); IllegalTransition (no result yet), LimitExceeded.
  void amend(v1::TellOutcome outcome, const Metrics& metrics, const std::string& reason);

  /// Sets labels; others stay.
  void label(const std::map<std::string, std::string>& labels);
  /// Sets annotations; others stay.
  void annotate(const std::map<std::string, std::string>& annotations);
  /// Changes the fields that the paths name, such as "labels" and "labels.host", to what they are in `values`.
  void update(v1::Trial values, const std::vector<std::string>& paths);
  /// Reads the trial anew, with its measurements.
  void refresh();
  /// Removes the trial. @throws IllegalTransition It is running: cancel it first.
  void remove();

  /// Name, state, configuration and metrics, as of the last call that answered with the trial.
  friend std::ostream& operator<<(std::ostream& out, const Trial& trial);

 private:
  std::shared_ptr<Impl> impl_;  // of this object alone
};

}  // namespace asktell
