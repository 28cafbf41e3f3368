#include "asktell/suggest.hpp"

#include "handles.hpp"
#include "info_codec.hpp"
#include "spec_codec.hpp"
#include "values_codec.hpp"

namespace asktell {
namespace {

v1::TrialState state_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::stopped:
      return v1::TRIAL_STATE_STOPPED;
    case Outcome::failed:
      return v1::TRIAL_STATE_FAILED;
    case Outcome::infeasible:
      return v1::TRIAL_STATE_INFEASIBLE;
    case Outcome::succeeded:
      break;
  }
  return v1::TRIAL_STATE_SUCCEEDED;
}

v1::SuggestRequest encode_problem(const Problem& problem) {
  v1::SuggestRequest request;
  v1::Problem& wire = *request.mutable_problem();
  encode(problem.space, *wire.mutable_search_space());
  encode(problem.objectives, *wire.mutable_objectives());
  encode(problem.algorithm, *wire.mutable_algorithm());
  wire.set_replicates(problem.replicates);
  for (const Observation& observation : problem.observations) {
    v1::Observation& each = *request.add_observations();
    encode(observation.params, *each.mutable_parameters());
    encode(observation.metrics, *each.mutable_metrics());
    each.set_state(state_of(observation.outcome));
  }
  for (const Params& params : problem.pending) {
    encode(params, *request.add_pending()->mutable_parameters());
  }
  request.set_count(problem.count);
  request.set_seed(problem.seed);
  request.set_warm_start(problem.warm_start);
  return request;
}

}  // namespace

Suggestions Client::suggest(const Problem& problem) const {
  Session& session = *impl_->session;
  const auto answer = session.call(*session.suggestions, &v1::SuggestionService::Stub::Suggest, encode_problem(problem),
                                   session.settings.ask_timeout);
  Suggestions found;
  found.warm_start = answer.warm_start();
  for (const auto& each : answer.suggestions()) {
    Suggestion suggestion{decode(each.parameters()), decode(each.origin()), std::nullopt};
    if (each.has_prediction()) {
      suggestion.prediction = decode(each.prediction());
    }
    found.suggestions.push_back(std::move(suggestion));
  }
  return found;
}

}  // namespace asktell
