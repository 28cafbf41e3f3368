#pragma once

#include <asktell/v1/analysis_service.pb.h>
#include <asktell/v1/study.pb.h>

#include <chrono>
#include <iosfwd>
#include <optional>

#include "asktell/sequence.hpp"
#include "asktell/trial.hpp"

namespace asktell {

/// How Study::ask asks.
struct AskOptions {
  /// How long an ask may wait, from its first call on, for a trial to hand out; unset = for ever, 0 = not at all.
  std::optional<std::chrono::milliseconds> wait = std::nullopt;
  /// All that an ask can say. The client's worker id is filled in where it is empty.
  v1::AskRequest request = {};
};

/// Asks for a configuration that has these values, for example one that fits a small GPU; context parameters are stated
/// so: `study.ask(asktell::fixed({{"batch_size", 8}}))`.
inline AskOptions fixed(const Params& values) {
  AskOptions options;
  *options.request.mutable_fixed_parameters() = values;
  return options;
}

/// One change of a study: the study or trial as it is after the change, or what else happened. Nothing is set for a
/// change that is newer than this client. Its cursor is where to go on from.
using Change = v1::WatchStudyResponse;

/// A study's changes as they happen: `for (const Change& change : study.watch())`. next() waits for the next one; there
/// is none after stop(). For one thread; stop() alone may be called from any.
/// @throws StudyNotFound The study has been deleted. @throws ClientClosed.
class Watch : public Sequence<Change> {
 public:
  class Impl;
  explicit Watch(std::shared_ptr<Impl> impl);
  /// Ends the watch, also while another thread waits in next().
  void stop() noexcept;

 private:
  std::shared_ptr<Impl> impl_;
};

/// One search space, and what to optimise in it. A handle: copies speak of the same study. Methods may be called from
/// several threads.
class Study {
 public:
  class Impl;
  explicit Study(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

  [[nodiscard]] const std::string& name() const noexcept;  ///< "projects/{project}/studies/{study}"
  [[nodiscard]] std::string id() const;                    ///< the last part of the name
  /// The study as of the last call that answered with it; refresh() reads it anew. Keep the pointer for as long as you
  /// use references into the message.
  [[nodiscard]] std::shared_ptr<const v1::Study> info() const;
  void refresh();

  /// A trial to run; its lease renews itself until the trial is told, released or destroyed. When nothing can be handed
  /// out now, it waits as the options say.
  /// @throws StudyComplete (there is nothing more to do; info() is read anew), StudyPaused, QueueEmpty (manual search,
  ///         nothing enqueued), NoTrialAvailable (not now, and the wait would end before there could be one),
  ///         FixedExhausted (nothing is left with the fixed values).
  Trial ask(AskOptions options = {});
  /// ask() for several; fewer, but at least one, come back when the study cannot give more now.
  std::vector<Trial> ask_many(int count, AskOptions options = {});

  /// Reads one trial with its measurements. @throws TrialNotFound.
  [[nodiscard]] Trial trial(std::int64_t number) const;
  /// The trials by number, without measurements; with a filter in the request, those that it takes.
  [[nodiscard]] Sequence<Trial> trials(v1::ListTrialsRequest request = {}) const;
  /// The best trial so far; none while there is no result, or none that keeps the outcome constraints.
  /// @throws SeveralObjectives There is no single best trial; see pareto_front().
  [[nodiscard]] std::optional<Trial> best() const;
  /// The best trials, best first: at most so many. With several objectives: the whole Pareto front. Where no trial
  /// keeps the outcome constraints: those that miss them least, with a violation above 0.
  [[nodiscard]] std::vector<Trial> best(int count) const;
  /// The feasible trials that no other one betters in all objectives, in the order of the first objective.
  [[nodiscard]] std::vector<Trial> pareto_front() const;
  /// What the Pareto front dominates, up to the objectives' references; none with one objective, and while no trial is
  /// feasible.
  [[nodiscard]] std::optional<double> hypervolume() const;
  /// The best trial when noise is taken off: where results differ from run to run, the one with the best value may have
  /// been lucky. None where results are not noisy, and while the server is too busy for a model.
  [[nodiscard]] std::optional<v1::BestByModel> best_by_model() const;

  /// Queues configurations; they are handed out before the algorithm's. @throws ValueOutsideSpace, StudyComplete.
  std::vector<Trial> enqueue(const std::vector<Params>& configurations);
  /// enqueue with labels and annotations.
  std::vector<Trial> enqueue(v1::EnqueueTrialsRequest request);
  /// Brings in past results. @throws ValueOutsideSpace, MissingObjective, UnknownMetric, NotFinite.
  v1::ImportTrialsResponse import(v1::ImportTrialsRequest request);

  /// What a model of the results believes; answers are messages of the contract. A metric is an objective or a
  /// constrained one, empty = the first objective. All but health() throw TooFewResults where there is no model yet.
  ///
  /// Which parameters matter, and which pairs interact: shares of the variance that they explain.
  [[nodiscard]] v1::GetImportancesResponse importances(const std::string& metric = {}) const;
  /// What configurations are expected to come to; the beliefs are of all objectives and constrained metrics.
  [[nodiscard]] v1::PredictOutcomesResponse predict(const std::vector<Params>& configurations) const;
  /// What is expected along one or two parameters, the others being those of the best trial, or of its reference.
  [[nodiscard]] v1::GetSliceResponse slice(v1::GetSliceRequest request) const;
  /// Each result, foretold from all others: how far the model can be trusted.
  [[nodiscard]] v1::CrossValidateResponse cross_validate(const std::string& metric = {}) const;
  /// What one objective costs in terms of another, along the Pareto front. @throws FailedPrecondition One objective.
  [[nodiscard]] v1::GetTradeOffsResponse trade_offs() const;
  /// What is wrong with the study or could be better, and what further trials are expected to gain.
  [[nodiscard]] v1::GetHealthResponse health() const;

  /// Hands out no trials until it is resumed; results are still taken.
  void pause();
  /// Hands out trials again. A study that a stopping rule has finished goes on with other rules, by update().
  /// @throws StudyComplete There is nothing more to do.
  void resume();
  /// Hands out no more trials; results of running ones are still taken.
  void finish();
  /// Changes the fields that the paths name, such as "stopping_rules.max_trials" and "labels", to what they are in
  /// `values`; one that is not set there is taken away. When `values` has an etag, the study must still have it.
  /// @throws InvalidArgument, EtagMismatch.
  void update(v1::Study values, const std::vector<std::string>& paths);
  /// Deletes the study with all its trials; this cannot be undone. @throws EtagMismatch It has not the etag that is
  /// given.
  void remove(const std::string& etag = {});

  /// The study's changes as they happen, in order, across restarts of servers: nothing is missed and nothing comes
  /// twice. The cursor is that of the last change seen, or of info(); empty = from the study's beginning.
  [[nodiscard]] Watch watch(const std::string& cursor = {}) const;

  /// Name, state, how many trials have ended, the budget and, where there is a single one that keeps the outcome
  /// constraints, the best trial; each as of the last call that answered with it.
  friend std::ostream& operator<<(std::ostream& out, const Study& study);

 private:
  [[nodiscard]] v1::ListBestTrialsResponse list_best(v1::ListBestTrialsRequest request) const;

  std::shared_ptr<Impl> impl_;
};

}  // namespace asktell
