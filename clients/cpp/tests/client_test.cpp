// What a healthy server cannot be made to do; what a real one does is tested by the conformance corpus.
#include <asktell/v1/study_service.grpc.pb.h>
#include <asktell/v1/trial_service.grpc.pb.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <asktell/asktell.hpp>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>
#include <sstream>
#include <system_error>
#include <thread>

namespace {

namespace v1 = asktell::v1;
using std::chrono::milliseconds;

grpc::Status refusal(const std::string& reason) {
  google::rpc::ErrorInfo info;
  info.set_domain("asktell");
  info.set_reason(reason);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  return {grpc::StatusCode::FAILED_PRECONDITION, "in words", details.SerializeAsString()};
}

class Studies final : public v1::StudyService::Service {
 public:
  v1::Study stored;               // what GetStudy answers with, if it has a name
  v1::CreateStudyRequest create;  // the last one
  v1::UpdateStudyRequest update;  // the last one

 private:
  /// Finds the mistake in line 4 of a file that says "mistake".
  grpc::Status CreateStudy(grpc::ServerContext* /*context*/, const v1::CreateStudyRequest* request,
                           v1::Study* answer) override {
    create = *request;
    answer->set_name("projects/default/studies/s");
    v1::StudyWarning& warning = *answer->add_warnings();
    warning.set_field("algorithm.grid");
    warning.set_message("larger than the budget");
    if (request->has_study()) {
      return grpc::Status::OK;
    }
    warning.set_place("7:1: algorithm");
    if (request->study_file().find("mistake") == std::string::npos) {
      return grpc::Status::OK;
    }
    google::rpc::ErrorInfo info;
    info.set_domain("asktell");
    info.set_reason("INVALID_STUDY_FILE");
    (*info.mutable_metadata())["line"] = "4";
    google::rpc::Status details;
    details.add_details()->PackFrom(info);
    return {grpc::StatusCode::INVALID_ARGUMENT, "4:17: parameters.x.min: must be a number",
            details.SerializeAsString()};
  }
  grpc::Status GetStudy(grpc::ServerContext* /*context*/, const v1::GetStudyRequest* request,
                        v1::Study* answer) override {
    if (!stored.name().empty()) {
      *answer = stored;
      return grpc::Status::OK;
    }
    answer->set_name(request->name());
    answer->set_replicates(2);
    answer->set_max_staleness(0);
    return grpc::Status::OK;
  }
  grpc::Status UpdateStudy(grpc::ServerContext* /*context*/, const v1::UpdateStudyRequest* request,
                           v1::Study* answer) override {
    update = *request;
    *answer = request->study();
    return grpc::Status::OK;
  }
};

enum class BestAnswer { feasible, infeasible, empty, refused };

class Trials final : public v1::TrialService::Service {
 public:
  milliseconds lease{0};
  int failures = 0;  // of Tell, before it works

  bool noisy = false;              // the model finds noise
  v1::Trial best;                  // what ListBestTrials answers with
  std::function<void()> complete;  // what happens when a study turns out to be complete; unset = it does not
  BestAnswer best_answer = BestAnswer::feasible;

  std::vector<std::string> tells() {
    const std::lock_guard lock(mutex_);
    return tells_;
  }
  int released() {
    const std::lock_guard lock(mutex_);
    return released_;
  }
  bool await_beats(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return beats_ >= count; });
  }

 private:
  grpc::Status Ask(grpc::ServerContext* /*context*/, const v1::AskRequest* request, v1::AskResponse* answer) override {
    if (complete) {
      complete();
      return refusal("STUDY_COMPLETE");
    }
    v1::Trial& trial = *answer->add_trials();
    trial.set_name(request->study() + "/trials/1");
    trial.set_number(1);
    trial.set_lease_id("l1");
    trial.mutable_start_time()->set_seconds(1000);
    if (lease.count() > 0) {
      trial.mutable_lease_expire_time()->set_seconds(1000 + lease.count() / 1000);
      trial.mutable_lease_expire_time()->set_nanos(static_cast<int>(lease.count() % 1000 * 1'000'000));
    }
    return grpc::Status::OK;
  }
  grpc::Status Tell(grpc::ServerContext* /*context*/, const v1::TellRequest* request,
                    v1::TellResponse* answer) override {
    const std::lock_guard lock(mutex_);
    tells_.push_back(request->request_id());
    if (static_cast<int>(tells_.size()) <= failures) {
      return {grpc::StatusCode::UNAVAILABLE, "away"};
    }
    answer->mutable_trial()->set_name(request->name());
    return grpc::Status::OK;
  }
  grpc::Status Report(grpc::ServerContext* /*context*/, const v1::ReportRequest* /*request*/,
                      v1::ReportResponse* answer) override {
    const std::lock_guard lock(mutex_);
    ++beats_;
    changed_.notify_all();
    answer->set_lease_valid(beats_ < 3);
    answer->set_should_stop(beats_ >= 3);
    return grpc::Status::OK;
  }
  grpc::Status ReleaseTrial(grpc::ServerContext* /*context*/, const v1::ReleaseTrialRequest* /*request*/,
                            v1::Trial* /*answer*/) override {
    const std::lock_guard lock(mutex_);
    ++released_;
    return grpc::Status::OK;
  }

  grpc::Status ListBestTrials(grpc::ServerContext* /*context*/, const v1::ListBestTrialsRequest* request,
                              v1::ListBestTrialsResponse* answer) override {
    if (best_answer == BestAnswer::refused) {
      return refusal("ILLEGAL_TRANSITION");
    }
    if (best_answer != BestAnswer::empty) {
      *answer->add_trials() = best;
    }
    answer->set_infeasible(best_answer == BestAnswer::infeasible);
    if (request->by_model() && noisy) {
      v1::BestByModel& best = *answer->mutable_best_by_model();
      best.mutable_trial()->set_number(4);
      best.set_mean(0.5);
      best.set_standard_deviation(0.25);
      best.set_noise(0.125);
    }
    return grpc::Status::OK;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> tells_;
  int beats_ = 0;
  int released_ = 0;
};

class ClientTest : public testing::Test {
 protected:
  void SetUp() override {
    int port = 0;
    grpc::ServerBuilder builder;
    trials.best.set_number(7);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&studies);
    builder.RegisterService(&trials);
    server = builder.BuildAndStart();
    options.address = "127.0.0.1:" + std::to_string(port);
    options.on_warning = [this](const std::string& text) { warnings.push_back(text); };
  }
  /// The path of a file with that text.
  static std::string file_of(const std::string& text) {
    std::string path = testing::TempDir() + "asktell_study.yaml";
    std::ofstream(path) << text;
    return path;
  }

  Studies studies;
  Trials trials;
  std::unique_ptr<grpc::Server> server;
  asktell::ClientOptions options;
  std::vector<std::string> warnings;
};

std::string shown(const std::function<void(std::ostream&)>& write) {
  std::ostringstream text;
  write(text);
  return text.str();
}

TEST_F(ClientTest, HandlesShowWhereTheyStandAndNoToken) {
  const std::string name = "projects/vision/studies/s";
  v1::Study& study = studies.stored;
  study.set_name(name);
  study.set_state(v1::STUDY_STATE_ACTIVE);
  *study.add_objectives() = asktell::minimize("val_loss");
  study.mutable_stopping_rules()->set_max_trials(3);
  study.mutable_trial_counts()->set_succeeded(1);
  study.mutable_trial_counts()->set_failed(1);
  study.mutable_trial_counts()->set_running(2);
  trials.best.set_name(name + "/trials/7");
  trials.best.set_state(v1::TRIAL_STATE_SUCCEEDED);
  *trials.best.mutable_parameters() = asktell::Params{{"rank", 8}, {"lr", 1e-4}};
  *trials.best.mutable_metrics() = asktell::Metrics{{"val_loss", 0.31}, {"seconds", 2}};
  trials.complete = [&study] {
    study.set_state(v1::STUDY_STATE_FINISHED);
    study.set_finish_reason(v1::FINISH_REASON_MAX_TRIALS);
    study.mutable_trial_counts()->set_succeeded(3);
    study.mutable_trial_counts()->set_running(0);
  };
  options.token = "hidden";
  options.project = "vision";
  asktell::Client client(options);
  EXPECT_EQ(shown([&](std::ostream& out) { out << client; }), *options.address + " project vision");
  asktell::Study handle = client.study("s");
  const auto text = [&] { return shown([&](std::ostream& out) { out << handle; }); };
  EXPECT_EQ(text(), name + " ACTIVE, 2 trials ended, 1 failed, 2 running, budget 3");
  EXPECT_EQ(shown([&](std::ostream& out) { out << *handle.best(); }),
            name + "/trials/7 SUCCEEDED lr=0.0001 rank=8, seconds=2 val_loss=0.31");
  EXPECT_THROW(handle.ask(), asktell::StudyComplete);
  EXPECT_EQ(text(),
            name + " FINISHED (MAX_TRIALS), 4 trials ended, 1 failed, budget 3, best: trial 7 with val_loss=0.31");
}

TEST_F(ClientTest, StudiesShowOnlyASingleFeasibleBestTrial) {
  v1::Study& study = studies.stored;
  study.set_name("projects/default/studies/s");
  *study.add_objectives() = asktell::minimize("loss");
  study.mutable_trial_counts()->set_succeeded(1);
  *trials.best.mutable_metrics() = asktell::Metrics{{"loss", 0.5}, {"ms", 3}};
  asktell::Client client(options);
  const asktell::Study one = client.study("s");
  const auto text = [](const asktell::Study& handle) { return shown([&](std::ostream& out) { out << handle; }); };
  const std::string counted = study.name() + " UNSPECIFIED, 1 trial ended";
  EXPECT_EQ(text(one), counted);
  for (const BestAnswer unusable : {BestAnswer::infeasible, BestAnswer::empty}) {
    trials.best_answer = BestAnswer::feasible;
    EXPECT_TRUE(one.best().has_value());
    EXPECT_EQ(text(one), counted + ", best: trial 7 with loss=0.5");
    trials.best_answer = BestAnswer::refused;
    EXPECT_THROW((void)one.best(), asktell::FailedPrecondition);
    EXPECT_EQ(text(one), counted + ", best: trial 7 with loss=0.5");  // a refusal says nothing about it
    trials.best_answer = unusable;
    EXPECT_FALSE(one.best().has_value());
    EXPECT_EQ(text(one), counted);
  }

  trials.best_answer = BestAnswer::feasible;
  *study.add_objectives() = asktell::minimize("ms");
  const asktell::Study two = client.study("s");
  EXPECT_EQ(two.pareto_front().size(), 1U);
  EXPECT_EQ(text(two), counted);
  try {
    (void)two.best();
    ADD_FAILURE() << "there is no single best trial";
  } catch (const asktell::SeveralObjectives& error) {
    EXPECT_EQ(error.what(), study.name() + " has several objectives and no single best trial: see pareto_front()");
  }
}

TEST_F(ClientTest, RetriesWithTheSameRequestId) {
  trials.failures = 2;
  asktell::Client client(options);
  client.study("s").ask().tell({{"loss", 1}});
  const auto tells = trials.tells();
  ASSERT_EQ(tells.size(), 3U);
  EXPECT_FALSE(tells[0].empty());
  EXPECT_EQ(tells[0], tells[1]);
  EXPECT_EQ(tells[0], tells[2]);
  EXPECT_EQ(trials.released(), 0);
}

TEST_F(ClientTest, DestructorsGiveOpenTrialsBack) {
  trials.lease = std::chrono::seconds(60);
  asktell::Client client(options);
  { const asktell::Trial trial = client.study("s").ask(); }
  EXPECT_EQ(trials.released(), 1);
  const asktell::Trial trial = client.study("s").ask();
  client.close();
  EXPECT_EQ(trials.released(), 2);
  EXPECT_FALSE(trial.is_open());
  EXPECT_THROW(client.study("s"), asktell::ClientClosed);
}

TEST_F(ClientTest, EndlessLeasesAreKept) {
  asktell::Client client(options);
  { const asktell::Trial trial = client.study("s").ask(); }
  EXPECT_EQ(trials.released(), 0);
}

TEST_F(ClientTest, HeartbeatsTellThatTheLeaseIsLost) {
  trials.lease = milliseconds(600);
  asktell::Client client(options);
  asktell::Trial trial = client.study("s").ask();
  ASSERT_TRUE(trials.await_beats(3));
  // The server has seen the heartbeat; its answer is still on the way, and close() would cut it off.
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!trial.should_stop() && std::chrono::steady_clock::now() < patience) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(trial.should_stop());
  EXPECT_TRUE(trial.lease_lost());
  client.close();
  EXPECT_EQ(trials.released(), 0);
}

TEST_F(ClientTest, ReplicatesAndStalenessAreReadAndStalenessIsChanged) {
  asktell::Client client(options);
  asktell::Study study = client.study("s");
  EXPECT_EQ(study.info()->replicates(), 2);
  EXPECT_TRUE(study.info()->has_max_staleness());
  EXPECT_EQ(study.info()->max_staleness(), 0);
  v1::Study changes;
  changes.set_max_staleness(7);
  study.update(changes, {"max_staleness"});
  EXPECT_EQ(study.info()->max_staleness(), 7);
  changes.clear_max_staleness();
  study.update(changes, {"max_staleness"});
  EXPECT_FALSE(study.info()->has_max_staleness());
  ASSERT_EQ(studies.update.update_mask().paths_size(), 1);
  EXPECT_EQ(studies.update.update_mask().paths(0), "max_staleness");
}

TEST_F(ClientTest, TheBestByTheModelIsThereWhereResultsAreNoisy) {
  asktell::Client client(options);
  const asktell::Study study = client.study("s");
  EXPECT_FALSE(study.best_by_model().has_value());
  trials.noisy = true;
  const auto best = study.best_by_model();
  ASSERT_TRUE(best.has_value());
  EXPECT_EQ(best->trial().number(), 4);
  EXPECT_EQ(best->mean(), 0.5);
  EXPECT_EQ(best->standard_deviation(), 0.25);
  EXPECT_EQ(best->noise(), 0.125);
}

TEST_F(ClientTest, StudyFilesAreReadByTheServer) {
  asktell::Client client(options);
  const std::string path = file_of("name: größer\n");
  const asktell::Study study = client.create_study_from_file(path, asktell::Existing::open, "s");
  EXPECT_EQ(study.id(), "s");
  EXPECT_EQ(studies.create.study_file(), "name: größer\n");
  EXPECT_EQ(studies.create.parent(), "projects/default");
  EXPECT_EQ(studies.create.study_id(), "s");
  EXPECT_TRUE(studies.create.exist_ok());
  EXPECT_FALSE(studies.create.validate_only());
  EXPECT_EQ(warnings,
            (std::vector<std::string>{study.name() + ": " + path + ":7:1: algorithm: larger than the budget"}));
}

TEST_F(ClientTest, MistakesInStudyFilesSayWhere) {
  asktell::Client client(options);
  const std::string path = file_of("mistake");
  try {
    client.create_study_from_file(path);
    ADD_FAILURE() << "it was taken";
  } catch (const asktell::InvalidStudyFile& error) {
    EXPECT_EQ(error.what(), path + ":4:17: parameters.x.min: must be a number");
    EXPECT_EQ(error.metadata("line"), "4");
  }
  EXPECT_FALSE(studies.create.exist_ok());
  EXPECT_THROW((void)client.check_study_file(path), asktell::InvalidArgument);
  EXPECT_THROW(client.create_study_from_file("none.yaml"), std::system_error);
}

TEST_F(ClientTest, ChecksGiveTheStudyAndItsWarnings) {
  asktell::Client client(options);
  EXPECT_EQ(client.check_study_file(file_of("name: s")).warnings(0).place(), "7:1: algorithm");
  EXPECT_TRUE(studies.create.validate_only());
  v1::CreateStudyRequest request;
  request.mutable_study()->set_replicates(3);
  EXPECT_EQ(client.check_study(request).warnings_size(), 1);
  EXPECT_TRUE(studies.create.validate_only());
  EXPECT_TRUE(warnings.empty());
  client.create_study("s", request.study());
  EXPECT_EQ(studies.create.study().replicates(), 3);
  EXPECT_EQ(warnings, std::vector<std::string>{"projects/default/studies/s: algorithm.grid: larger than the budget"});
}

TEST_F(ClientTest, NoServerIsUnavailable) {
  server->Shutdown();
  options.timeout = milliseconds(700);
  asktell::Client client(options);
  EXPECT_THROW(client.study("s"), asktell::Unavailable);
}

}  // namespace
