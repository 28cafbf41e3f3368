#pragma once

#include <conformance.pb.h>

#include <asktell/asktell.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace conformance {

namespace wire = asktell::conformance::v1;
namespace v1 = asktell::v1;

/// Does what it is told on the public API of the client; has no logic of its own.
class Executor {
 public:
  ~Executor() { reset(); }
  wire::Result execute(const wire::Action& action);

 private:
  using Handle = std::shared_ptr<asktell::Trial>;

  wire::Result perform(const wire::Action& action);
  void reset();
  void create_client(const wire::CreateClient& action);
  wire::Result create_study(const wire::CreateStudy& action);
  wire::Result keep_study(const std::string& name, asktell::Study study);
  wire::Result update_study(const wire::UpdateStudy& action);
  wire::Result ask(const wire::Ask& action);
  wire::Result analyse(const wire::Analyse& action);
  wire::Result tell(const wire::Tell& action);
  wire::Result list_trials(const wire::ListTrials& action);
  wire::Result best(const wire::Best& action);
  wire::Result next_changes(const wire::NextChanges& action);
  void start_watch(const wire::StartWatch& action);
  wire::Result keep_trials(const google::protobuf::RepeatedPtrField<std::string>& names,
                           std::vector<asktell::Trial> trials);

  std::map<std::string, std::unique_ptr<asktell::Client>> clients_;
  std::map<std::string, asktell::Study> studies_;
  std::map<std::string, Handle> trials_;
  std::map<std::string, std::pair<asktell::Watch, std::string>> watches_;
  std::vector<Handle> kept_;  // all of them until reset: a trial that is destroyed is given back
  std::vector<std::unique_ptr<asktell::Client>> replaced_;
};

// results.cpp
wire::Result done();
wire::Result failed(const std::exception& error, bool refused);
wire::Result study_result(const asktell::Study& study);
wire::Result trial_result(const asktell::Trial& trial);
void add_trial(const asktell::Trial& trial, wire::Result& result);
void add_change(const asktell::Change& change, wire::Result& result);

}  // namespace conformance
