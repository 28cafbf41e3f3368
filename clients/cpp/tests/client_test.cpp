// What a healthy server cannot be made to do; what a real one does is tested by the conformance corpus.
#include <asktell/v1/study_service.grpc.pb.h>
#include <asktell/v1/trial_service.grpc.pb.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <asktell/asktell.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

namespace v1 = asktell::v1;
using std::chrono::milliseconds;

class Studies final : public v1::StudyService::Service {
 public:
  v1::UpdateStudyRequest update;  // the last one

 private:
  grpc::Status GetStudy(grpc::ServerContext* /*context*/, const v1::GetStudyRequest* request,
                        v1::Study* answer) override {
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

class Trials final : public v1::TrialService::Service {
 public:
  milliseconds lease{0};
  int failures = 0;  // of Tell, before it works

  bool noisy = false;  // the model finds noise

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
    answer->add_trials()->set_number(7);
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
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&studies);
    builder.RegisterService(&trials);
    server = builder.BuildAndStart();
    options.address = "127.0.0.1:" + std::to_string(port);
    options.on_warning = [](const std::string& /*text*/) {};
  }

  Studies studies;
  Trials trials;
  std::unique_ptr<grpc::Server> server;
  asktell::ClientOptions options;
};

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
  EXPECT_EQ(study.info().spec.replicates, 2);
  EXPECT_EQ(study.info().spec.max_staleness, 0);
  asktell::StudyUpdate changes;
  changes.max_staleness = 7;
  study.update(changes);
  EXPECT_EQ(study.info().spec.max_staleness, 7);
  changes.max_staleness = asktell::StudyUpdate::clear;
  study.update(changes);
  EXPECT_EQ(study.info().spec.max_staleness, std::nullopt);
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
  EXPECT_EQ(best->trial.number(), 4);
  EXPECT_EQ(best->mean, 0.5);
  EXPECT_EQ(best->standard_deviation, 0.25);
  EXPECT_EQ(best->noise, 0.125);
}

TEST_F(ClientTest, NoServerIsUnavailable) {
  server->Shutdown();
  options.timeout = milliseconds(700);
  asktell::Client client(options);
  EXPECT_THROW(client.study("s"), asktell::Unavailable);
}

}  // namespace
