#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "asktell/enums.hpp"
#include "asktell/sequence.hpp"
#include "asktell/spec.hpp"
#include "asktell/study_info.hpp"
#include "asktell/trial.hpp"
#include "asktell/values.hpp"
#include "asktell/watch.hpp"

namespace asktell {

/// When an ask finds no trial to hand out now.
struct AskOptions {
  /// How long to wait for one, besides the calls' own time; unset = for ever, 0 = not at all.
  std::optional<std::chrono::milliseconds> wait = std::nullopt;
  /// Who asks; unset = the client's worker id.
  std::optional<std::string> worker_id = std::nullopt;
};

/// Narrows a list of trials; all conditions hold together.
struct TrialFilter {
  std::vector<TrialState> states;  ///< any of these; empty = all
  std::string worker_id;           ///< exactly this one; empty = all
  Texts labels;                    ///< all of these
  int page_size = 500;             ///< how many are fetched with one call, at most 1,000
};

/// A configuration of one's own to run.
struct QueuedTrial {
  Params params;  ///< those with a default may be left out
  Texts labels = {};
  Texts annotations = {};
};

/// A past result to bring in.
struct ImportedTrial {
  std::string key;  ///< the caller's own, unique in the study: importing it again changes nothing
  Params params;
  Metrics metrics;
  Outcome outcome = Outcome::succeeded;
  std::string reason = {};
  std::optional<Time> start_time = std::nullopt;
  std::optional<Time> finish_time = std::nullopt;
  Texts labels = {};
  Texts annotations = {};
};

/// What an import brought.
struct Imported {
  std::vector<Trial> trials;  ///< one for each result; those that were there before as they stand
  int added = 0;              ///< how many are new
};

/// The trial with the best posterior mean of a model. All numbers are in the objective's unit.
struct BestByModel {
  Trial trial;
  double mean = 0;                ///< what the objective is expected to be there, without noise
  double standard_deviation = 0;  ///< of the mean: how uncertain it is
  double noise = 0;               ///< of a single result, beyond the standard errors that were told
};

/// Changes of a study; what is not set stays. A rule set to `clear` is taken away.
struct StudyUpdate {
  struct Clear {};
  static constexpr Clear clear{};

  /// A new value, or none any more.
  template <class T>
  using Rule = std::optional<std::variant<Clear, T>>;

  Rule<int> max_trials;
  Rule<double> target;
  Rule<int> patience;
  Rule<Time> deadline;
  std::optional<int> max_running;  ///< 0 = no limit
  Rule<int> max_staleness;         ///< as in StudySpec; clear = the default
  std::optional<std::string> display_name;
  std::optional<Texts> labels;       ///< all of them
  std::optional<Texts> annotations;  ///< all of them
  std::optional<std::string> etag;   ///< only if the study still has this one; otherwise EtagMismatch
};

/// One search space, and what to optimise in it. A handle: copies speak of the same study. Methods may be called from
/// several threads.
class Study {
 public:
  class Impl;
  explicit Study(std::shared_ptr<Impl> impl) noexcept;

  [[nodiscard]] const std::string& name() const noexcept;  ///< "projects/{project}/studies/{study}"
  [[nodiscard]] std::string id() const;                    ///< the last part of the name
  /// The study as of the last call that answered with it; refresh() reads it anew.
  [[nodiscard]] StudyInfo info() const;
  void refresh();

  /// A trial to run; its lease renews itself until the trial is told, released or destroyed. When nothing can be handed
  /// out now, it waits as the options say.
  /// @throws StudyComplete (there is nothing more to do), StudyPaused, QueueEmpty (manual search, nothing enqueued),
  ///         NoTrialAvailable (not now, and the wait would end before there could be one).
  Trial ask(const AskOptions& options = {});
  /// ask() for several; fewer, but at least one, come back when the study cannot give more now.
  std::vector<Trial> ask_many(int count, const AskOptions& options = {});

  /// Reads one trial with its measurements. @throws TrialNotFound.
  [[nodiscard]] Trial trial(std::int64_t number) const;
  /// The trials by number, without measurements.
  [[nodiscard]] Sequence<Trial> trials(const TrialFilter& filter = {}) const;
  /// The best trial so far; none while there is no result.
  [[nodiscard]] std::optional<Trial> best() const;
  /// The best trials, best first: at most so many.
  [[nodiscard]] std::vector<Trial> best(int count) const;
  /// The best trial when noise is taken off: where results differ from run to run, the one with the best value may have
  /// been lucky. None where results are not noisy, and while the server is too busy for a model.
  [[nodiscard]] std::optional<BestByModel> best_by_model() const;

  /// Queues configurations; they are handed out before the algorithm's. @throws ValueOutsideSpace, StudyComplete.
  std::vector<Trial> enqueue(const std::vector<QueuedTrial>& trials);
  /// Brings in past results. @throws ValueOutsideSpace, MissingObjective, UnknownMetric, NotFinite.
  Imported import(const std::vector<ImportedTrial>& trials);

  /// Hands out no trials until it is resumed; results are still taken.
  void pause();
  void resume();
  /// Hands out no more trials; results of running ones are still taken.
  void finish();
  /// Changes rules, limits, labels and annotations. @throws InvalidArgument, EtagMismatch.
  void update(const StudyUpdate& changes);
  /// Deletes the study with all its trials; this cannot be undone. @throws EtagMismatch.
  void remove(const std::optional<std::string>& etag = std::nullopt);

  /// The study's changes as they happen, in order, across restarts of servers: nothing is missed and nothing comes
  /// twice. The cursor is that of the last change seen, or StudyInfo::cursor; empty = from the study's beginning.
  [[nodiscard]] Watch watch(const std::string& cursor = {}) const;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace asktell
