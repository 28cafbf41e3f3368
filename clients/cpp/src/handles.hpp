#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "asktell/client.hpp"
#include "asktell/study.hpp"
#include "asktell/trial.hpp"
#include "session.hpp"

namespace asktell {

/// What the last answer said, for several threads.
template <class Info>
class Latest {
 public:
  explicit Latest(Info info) : info_(std::make_shared<const Info>(std::move(info))) {}

  [[nodiscard]] std::shared_ptr<const Info> get() const {
    const std::lock_guard lock(mutex_);
    return info_;
  }
  void set(Info info) {
    auto fresh = std::make_shared<const Info>(std::move(info));
    const std::lock_guard lock(mutex_);
    info_.swap(fresh);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Info> info_;
};

class Client::Impl {
 public:
  explicit Impl(std::shared_ptr<Session> shared) : session(std::move(shared)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { session->close(); }

  const std::shared_ptr<Session> session;
};

class Study::Impl {
 public:
  Impl(std::shared_ptr<Session> shared, const v1::Study& wire);

  const std::shared_ptr<Session> session;
  Latest<StudyInfo> latest;
  const std::string name;

  void set_state(v1::StudyState state);
};

class Trial::Impl {
 public:
  /// The lease is none for a trial that this client did not ask for.
  Impl(std::shared_ptr<Session> shared, const v1::Trial& wire, std::shared_ptr<Lease> held);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  const std::shared_ptr<Session> session;
  const std::shared_ptr<Lease> lease;
  Latest<TrialInfo> latest;
  const std::string name;
  const std::int64_t number;
  const Params params;
  const std::string lease_id;
  std::atomic<bool> superseded{false};

  [[nodiscard]] LeaseState state() const;
  void tell(Outcome outcome, const Metrics& metrics, const std::string& reason);
  void end();
};

Study make_study(const std::shared_ptr<Session>& session, const v1::Study& wire);
Trial make_trial(const std::shared_ptr<Session>& session, const v1::Trial& wire,
                 std::shared_ptr<Lease> lease = nullptr);
std::vector<Trial> make_trials(const std::shared_ptr<Session>& session,
                               const google::protobuf::RepeatedPtrField<v1::Trial>& wires);
Watch make_watch(const std::shared_ptr<Session>& session, const std::string& study, const std::string& cursor);

/// The end of create_study with Existing::open: throws StudyExists if the stored study is not what was wanted.
void check_existing(const Session& session, const v1::Study& wanted, const v1::Study& stored,
                    const StudyExists& exists);

/// Keeps the text of a long error from being refused with the result it comes with.
std::string shortened(const std::string& reason);

/// Walks through a list page by page; the next page is fetched when the loop gets there.
template <class Item, class Wire>
Sequence<Item> pages(std::function<google::protobuf::RepeatedPtrField<Wire>(std::string& token)> fetch,
                     std::function<Item(const Wire&)> decode) {
  struct State {
    google::protobuf::RepeatedPtrField<Wire> page;
    int next = 0;
    std::string token;
    bool last = false;
  };
  return Sequence<Item>(
      [fetch = std::move(fetch), decode = std::move(decode), at = std::make_shared<State>()]() -> std::optional<Item> {
        while (at->next >= at->page.size()) {
          if (at->last) {
            return std::nullopt;
          }
          at->page = fetch(at->token);
          at->next = 0;
          at->last = at->token.empty();
        }
        return decode(at->page[at->next++]);
      });
}

}  // namespace asktell
