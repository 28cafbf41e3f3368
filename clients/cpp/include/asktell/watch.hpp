#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "asktell/sequence.hpp"
#include "asktell/study_info.hpp"
#include "asktell/trial.hpp"

namespace asktell {

/// A trial that is no more.
struct DeletedTrial {
  std::int64_t number = 0;
};

/// What a running trial reported.
struct ReportedMeasurement {
  std::int64_t trial = 0;  ///< its number
  Measurement measurement;
};

/// Something newer than this client.
struct UnknownChange {};

/// One change of a study.
struct Change {
  std::string cursor;  ///< where to go on from
  /// The study or trial as it is after the change, or what else happened.
  std::variant<UnknownChange, StudyInfo, TrialInfo, DeletedTrial, ReportedMeasurement> what;
};

/// A study's changes as they happen: `for (const Change& change : study.watch())`. For one thread; stop() alone may be
/// called from any.
class Watch {
 public:
  class Impl;
  explicit Watch(std::shared_ptr<Impl> impl) noexcept;
  Watch(Watch&& other) noexcept;
  Watch& operator=(Watch&& other) noexcept;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  /// Waits for the next change; none after stop(). @throws StudyNotFound It has been deleted. @throws ClientClosed.
  std::optional<Change> next();
  /// Ends the watch, also while another thread waits in next().
  void stop() noexcept;

  Sequence<Change>::Iterator begin() { return changes_.begin(); }
  Sequence<Change>::Sentinel end() { return changes_.end(); }

 private:
  std::shared_ptr<Impl> impl_;
  Sequence<Change> changes_;
};

}  // namespace asktell
