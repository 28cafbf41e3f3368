#include "executor.hpp"

#include <stdexcept>

namespace conformance {

using asktell::Trial;

wire::Result Executor::execute(const wire::Action& action) {
  try {
    return perform(action);
  } catch (const asktell::Error& error) {
    return failed(error, false);
  } catch (const asktell::InvalidOption& error) {
    return failed(error, true);
  }
}

wire::Result Executor::perform(const wire::Action& action) {
  switch (action.kind_case()) {
    case wire::Action::kReset:
      reset();
      return done();
    case wire::Action::kCreateClient:
      create_client(action.create_client());
      return done();
    case wire::Action::kCloseClient:
      clients_.at(action.close_client().client())->close();
      return done();
    case wire::Action::kCreateStudy:
      return create_study(action.create_study());
    case wire::Action::kOpenStudy:
      return keep_study(action.open_study().study(),
                        clients_.at(action.open_study().client())->study(action.open_study().study_id()));
    case wire::Action::kGetStudy: {
      asktell::Study& study = studies_.at(action.get_study().study());
      study.refresh();
      return study_result(study);
    }
    case wire::Action::kUpdateStudy:
      return update_study(action.update_study());
    case wire::Action::kDeleteStudy:
      studies_.at(action.delete_study().study()).remove();
      return done();
    case wire::Action::kAsk:
      return ask(action.ask());
    case wire::Action::kReport: {
      Trial& trial = *trials_.at(action.report().trial());
      trial.report(action.report().step(), action.report().metrics());
      return trial_result(trial);
    }
    case wire::Action::kTell:
      return tell(action.tell());
    case wire::Action::kRelease:
      trials_.at(action.release().trial())->release();
      return done();
    case wire::Action::kCancel: {
      Trial& trial = *trials_.at(action.cancel().trial());
      trial.cancel(action.cancel().reason());
      return trial_result(trial);
    }
    case wire::Action::kAmend: {
      Trial& trial = *trials_.at(action.amend().trial());
      trial.amend(action.amend().outcome(), action.amend().metrics(), action.amend().reason());
      return trial_result(trial);
    }
    case wire::Action::kPeekTrial:
      return trial_result(*trials_.at(action.peek_trial().trial()));
    case wire::Action::kGetTrial: {
      const auto& get = action.get_trial();
      const auto trial = std::make_shared<Trial>(studies_.at(get.study()).trial(get.number()));
      if (!get.trial().empty()) {
        trials_[get.trial()] = trial;
      }
      return trial_result(*trial);
    }
    case wire::Action::kListTrials:
      return list_trials(action.list_trials());
    case wire::Action::kBest:
      return best(action.best());
    case wire::Action::kEnqueue: {
      v1::EnqueueTrialsRequest request;
      *request.mutable_trials() = action.enqueue().trials();
      return keep_trials(action.enqueue().handles(), studies_.at(action.enqueue().study()).enqueue(request));
    }
    case wire::Action::kImportTrials: {
      v1::ImportTrialsRequest request;
      *request.mutable_trials() = action.import_trials().trials();
      const auto answer = studies_.at(action.import_trials().study()).import(request);
      wire::Result result;
      result.mutable_trials();
      for (const auto& trial : answer.trials()) {
        *result.mutable_trials()->add_trials()->mutable_trial() = trial;
      }
      return result;
    }
    case wire::Action::kStartWatch:
      start_watch(action.start_watch());
      return done();
    case wire::Action::kNextChanges:
      return next_changes(action.next_changes());
    case wire::Action::kStopWatch:
      watches_.at(action.stop_watch().watch()).first.stop();
      return done();
    case wire::Action::kSuggest: {
      wire::Result result;
      result.mutable_suggestions();
      const auto answer = clients_.at(action.suggest().client())->suggest(action.suggest().request());
      for (const v1::Suggestion& suggestion : answer.suggestions()) {
        wire::Suggestion& out = *result.mutable_suggestions()->add_suggestions();
        *out.mutable_parameters() = suggestion.parameters();
        out.set_origin(suggestion.origin());
      }
      return result;
    }
    case wire::Action::kAnalyse:
      return analyse(action.analyse());
    case wire::Action::KIND_NOT_SET:
      break;
  }
  throw std::logic_error("no such action");
}

void Executor::reset() {
  for (auto& each : watches_) {
    each.second.first.stop();
  }
  watches_.clear();
  for (auto& each : clients_) {
    each.second->close();
  }
  clients_.clear();
  replaced_.clear();
  trials_.clear();
  kept_.clear();
  studies_.clear();
}

void Executor::create_client(const wire::CreateClient& action) {
  asktell::ClientOptions options;
  if (!action.addresses().empty()) {
    options.address.emplace();
    for (const std::string& address : action.addresses()) {
      *options.address += (options.address->empty() ? "" : ",") + address;
    }
  }
  if (!action.token().empty()) {
    options.token = action.token();
  }
  if (!action.tls_ca_file().empty()) {
    options.tls_ca_file = action.tls_ca_file();
  }
  if (action.timeout_ms() != 0) {
    options.timeout = options.ask_timeout = std::chrono::milliseconds(action.timeout_ms());
  }
  if (!action.worker_id().empty()) {
    options.worker_id = action.worker_id();
  }
  auto& place = clients_[action.client()];
  if (place) {
    replaced_.push_back(std::move(place));
  }
  place = std::make_unique<asktell::Client>(options);
}

wire::Result Executor::create_study(const wire::CreateStudy& action) {
  asktell::Client& client = *clients_.at(action.client());
  if (action.has_study_file()) {
    v1::CreateStudyRequest request;
    request.set_study_file(action.study_file());
    request.set_exist_ok(action.exist_ok());
    return keep_study(action.study(), client.create_study(request));
  }
  const auto existing = action.exist_ok() ? asktell::Existing::open : asktell::Existing::refuse;
  return keep_study(action.study(), client.create_study(action.study_id(), action.spec(), existing));
}

wire::Result Executor::keep_study(const std::string& name, asktell::Study study) {
  wire::Result result = study_result(study);
  studies_.insert_or_assign(name, std::move(study));
  return result;
}

wire::Result Executor::update_study(const wire::UpdateStudy& action) {
  asktell::Study& study = studies_.at(action.study());
  if (action.change_case() == wire::UpdateStudy::kMaxTrials) {
    v1::Study values;
    values.mutable_stopping_rules()->set_max_trials(action.max_trials());
    if (action.use_etag()) {
      values.set_etag(study.info()->etag());
    }
    study.update(values, {"stopping_rules.max_trials"});
  } else if (action.state() == v1::STUDY_STATE_ACTIVE) {
    study.resume();
  } else if (action.state() == v1::STUDY_STATE_PAUSED) {
    study.pause();
  } else {
    study.finish();
  }
  return study_result(study);
}

wire::Result Executor::ask(const wire::Ask& action) {
  asktell::AskOptions options;
  if (action.has_wait_ms()) {
    options.wait = std::chrono::milliseconds(action.wait_ms());
  }
  options.request.set_worker_id(action.worker_id());
  *options.request.mutable_fixed_parameters() = action.fixed_parameters();
  options.request.set_cost_aware(action.cost_aware());
  asktell::Study& study = studies_.at(action.study());
  if (action.has_count()) {
    return keep_trials(action.trials(), study.ask_many(action.count(), options));
  }
  std::vector<Trial> one;
  one.push_back(study.ask(options));
  return keep_trials(action.trials(), std::move(one));
}

wire::Result Executor::analyse(const wire::Analyse& action) {
  const asktell::Study& study = studies_.at(action.study());
  int items = 0;
  switch (action.question_case()) {
    case wire::Analyse::kImportances:
      items = study.importances(action.importances().metric()).importances_size();
      break;
    case wire::Analyse::kPredict: {
      std::vector<asktell::Params> configurations;
      for (const v1::Configuration& each : action.predict().configurations()) {
        configurations.emplace_back(each.parameters());
      }
      items = study.predict(configurations).predictions_size();
      break;
    }
    case wire::Analyse::kSlice:
      items = study.slice(action.slice()).points_size();
      break;
    case wire::Analyse::kCrossValidate:
      items = study.cross_validate(action.cross_validate().metric()).results_size();
      break;
    case wire::Analyse::kTradeOffs:
      items = study.trade_offs().trade_offs_size();
      break;
    case wire::Analyse::kHealth:
      items = study.health().findings_size();
      break;
    case wire::Analyse::QUESTION_NOT_SET:
      throw std::logic_error("no such question");
  }
  wire::Result result;
  result.mutable_analysis()->set_items(items);
  return result;
}

wire::Result Executor::keep_trials(const google::protobuf::RepeatedPtrField<std::string>& names,
                                   std::vector<Trial> trials) {
  wire::Result result;
  result.mutable_trials();
  int index = 0;
  for (Trial& trial : trials) {
    add_trial(trial, result);
    kept_.push_back(std::make_shared<Trial>(std::move(trial)));
    if (index < names.size()) {
      trials_[names[index++]] = kept_.back();
    }
  }
  return result;
}

wire::Result Executor::tell(const wire::Tell& action) {
  Trial& trial = *trials_.at(action.trial());
  switch (action.outcome()) {
    case v1::TELL_OUTCOME_STOPPED:
      trial.stop(action.metrics(), action.reason());
      break;
    case v1::TELL_OUTCOME_FAILED:
      trial.fail(action.reason(), action.metrics());
      break;
    case v1::TELL_OUTCOME_INFEASIBLE:
      trial.infeasible(action.reason(), action.metrics());
      break;
    default:
      trial.tell(action.metrics());
  }
  return trial_result(trial);
}

wire::Result Executor::list_trials(const wire::ListTrials& action) {
  v1::ListTrialsRequest request;
  *request.mutable_filter() = action.filter();
  wire::Result result;
  result.mutable_trials();
  for (const Trial& trial : studies_.at(action.study()).trials(request)) {
    add_trial(trial, result);
  }
  return result;
}

wire::Result Executor::best(const wire::Best& action) {
  const asktell::Study& study = studies_.at(action.study());
  if (action.count() > 0) {
    return keep_trials({}, study.best(action.count()));
  }
  wire::Result result;
  result.mutable_trials();
  if (const auto trial = study.best()) {
    add_trial(*trial, result);
  }
  return result;
}

void Executor::start_watch(const wire::StartWatch& action) {
  const asktell::Study& study = studies_.at(action.study());
  std::string cursor;
  if (action.start_case() == wire::StartWatch::kFromStudyCursor) {
    cursor = study.info()->cursor();
  } else if (action.start_case() == wire::StartWatch::kAfterWatch) {
    cursor = watches_.at(action.after_watch()).second;
  }
  watches_.insert_or_assign(action.watch(), std::pair(study.watch(cursor), cursor));
}

wire::Result Executor::next_changes(const wire::NextChanges& action) {
  auto& [watch, cursor] = watches_.at(action.watch());
  wire::Result result;
  result.mutable_changes();
  for (int i = 0; i < action.count(); ++i) {
    const auto change = watch.next();
    if (!change) {
      throw std::logic_error("the watch has ended");
    }
    cursor = change->cursor();
    add_change(*change, result);
  }
  return result;
}

}  // namespace conformance
