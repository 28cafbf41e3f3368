#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "asktell/enums.hpp"
#include "asktell/values.hpp"

namespace asktell {

/// Metrics of a running trial at one step.
struct Measurement {
  std::int64_t step = 0;
  Metrics metrics;
  std::optional<Time> report_time;
};

/// What the model believed about a configuration before it was run, in the objective's unit.
struct Prediction {
  double mean = 0;
  double standard_deviation = 0;
  double acquisition_value = 0;
};

/// A result that a correction replaced.
struct Amendment {
  std::optional<Time> amend_time;
  TrialState previous_state = TrialState::unspecified;
  Metrics previous_metrics;
  std::string previous_reason;  ///< why the replaced result was no success
  std::string reason;           ///< why it was replaced
};

/// A result that came after another attempt's had been taken: kept, never used.
struct SupersededResult {
  std::optional<Time> tell_time;
  TrialState state = TrialState::unspecified;
  Metrics metrics;
  std::string reason;
};

/// A trial as a server told it.
struct TrialInfo {
  std::string name;         ///< "projects/{project}/studies/{study}/trials/{number}"
  std::int64_t number = 0;  ///< counts from 1 in its study
  TrialState state = TrialState::unspecified;
  Params params;
  Origin origin = Origin::unspecified;
  Metrics metrics;     ///< the final ones, or the last known ones of a stopped trial
  std::string reason;  ///< why it is failed, infeasible, cancelled, stopped or abandoned
  int attempt = 0;     ///< how many times it has been started
  std::string worker_id;
  std::optional<Time> create_time;
  std::optional<Time> start_time;  ///< of the current attempt
  std::optional<Time> finish_time;
  Texts labels;
  Texts annotations;
  std::optional<Prediction> prediction;  ///< unset for origins other than the model
  std::vector<Amendment> amendments;     ///< oldest first
  std::vector<SupersededResult> superseded_results;
  std::string import_key;
  int measurement_count = 0;
  std::vector<Measurement> measurements;  ///< only after Study::trial and Trial::refresh
};

/// The server's answer to a report.
struct Progress {
  bool should_stop = false;  ///< end the trial now and tell it with Trial::stop, or not at all if the lease is lost
  std::string stop_reason;   ///< why, for people
  bool lease_valid = true;   ///< the trial is still this worker's; when false, the metrics were not taken
};

/// One configuration and what became of it. One that came from Study::ask is open: it heartbeats in the background
/// until it is told or released. The destructor gives an open one back, so that another worker gets it at once, except
/// one whose lease never ends. Methods may be called from several threads.
class Trial {
 public:
  class Impl;
  explicit Trial(std::unique_ptr<Impl> impl) noexcept;
  Trial(Trial&& other) noexcept;
  Trial& operator=(Trial&& other) noexcept;
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
  ~Trial();

  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] std::int64_t number() const noexcept;
  [[nodiscard]] const Params& params() const noexcept;
  /// The trial as of the last call that answered with it; refresh() reads it anew.
  [[nodiscard]] TrialInfo info() const;

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

  /// Tells intermediate metrics at a step and renews the lease. Without metrics it is a heartbeat.
  /// @throws NotFinite, UnknownMetric, LimitExceeded. A lost lease is no error: see Progress.
  Progress report(std::int64_t step, const Metrics& metrics = {});

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

  /// Gives the trial back at once: the next asker gets it, and this attempt does not count.
  /// @throws LeaseLost, IllegalTransition.
  void release();
  /// Calls a queued or running trial off; its worker is told to stop. @throws IllegalTransition.
  void cancel(const std::string& reason = {});
  /// Corrects the result of a trial that has ended; the metrics replace all former ones, which stay in
  /// TrialInfo::amendments. @throws As tell(); IllegalTransition (no result yet), LimitExceeded.
  void amend(Outcome outcome, const Metrics& metrics, const std::string& reason);

  /// Sets labels; others stay.
  void label(const Texts& labels);
  /// Sets annotations; others stay.
  void annotate(const Texts& annotations);
  /// Reads the trial anew, with its measurements.
  void refresh();
  /// Removes the trial. @throws IllegalTransition It is running: cancel it first.
  void remove();

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace asktell
