#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "asktell/enums.hpp"
#include "asktell/spec.hpp"

namespace asktell {

/// How many trials are in which state.
struct TrialCounts {
  int queued = 0, running = 0, succeeded = 0, stopped = 0, failed = 0, infeasible = 0, cancelled = 0, abandoned = 0;

  /// Those that no worker can work on any more.
  [[nodiscard]] int ended() const noexcept { return succeeded + stopped + failed + infeasible + cancelled + abandoned; }
};

/// Something about a study that is allowed and usually a mistake.
struct StudyWarning {
  std::string kind;     ///< such as "GRID_EXCEEDS_BUDGET"
  std::string field;    ///< a path from the study
  std::string message;  ///< a sentence for people
};

/// A study as a server told it.
struct StudyInfo {
  std::string name;  ///< "projects/{project}/studies/{study}"
  StudySpec spec;    ///< what it was created with, as changed since, with the defaults filled in
  StudyState state = StudyState::unspecified;
  FinishReason finish_reason = FinishReason::unspecified;
  TrialCounts counts;
  std::vector<StudyWarning> warnings;
  std::optional<Time> create_time;
  std::optional<Time> update_time;  ///< of the study itself, not of its trials
  std::optional<Time> finish_time;
  std::string etag;                                 ///< changes with the specification or state
  std::string cursor;                               ///< where Study::watch goes on from to see what comes after this
  std::optional<std::int64_t> configuration_count;  ///< unset = infinite, or more than 2^53
};

}  // namespace asktell
