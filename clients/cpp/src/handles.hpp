#pragma once

#include <atomic>

#include "session.hpp"

namespace asktell {

using StudyStub = v1::StudyService::Stub;
using TrialStub = v1::TrialService::Stub;

/// What is behind a handle: the session, and the message as the last answer had it.
template <class Message>
class Record {
 public:
  Record(std::shared_ptr<Session> shared, const Message& message)
      : session(std::move(shared)), name(message.name()), latest_(std::make_shared<const Message>(message)) {}

  const std::shared_ptr<Session> session;
  const std::string name;

  [[nodiscard]] std::shared_ptr<const Message> get() const { return std::atomic_load(&latest_); }
  void set(Message message) { std::atomic_store(&latest_, std::make_shared<const Message>(std::move(message))); }
  /// A call whose answer is the message from now on.
  template <class Stub, class Request>
  void set_by(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Message*), Request request) {
    set(session->call(method, std::move(request)));
  }

 private:
  std::shared_ptr<const Message> latest_;
};

class Study::Impl : public Record<v1::Study> {
 public:
  using Record::Record;

  /// As of the last ListBestTrials; none where that has no single feasible one.
  [[nodiscard]] std::shared_ptr<const v1::Trial> best() const { return std::atomic_load(&best_); }
  void set_best(const v1::ListBestTrialsResponse& answer) {
    const bool has_one = get()->objectives_size() == 1 && !answer.infeasible() && answer.trials_size() > 0;
    std::atomic_store(&best_, has_one ? std::make_shared<const v1::Trial>(answer.trials(0)) : nullptr);
  }

 private:
  std::shared_ptr<const v1::Trial> best_;
};

class Trial::Impl : public Record<v1::Trial> {
 public:
  /// The lease is none for a trial that this client did not ask for.
  Impl(std::shared_ptr<Session> shared, const v1::Trial& message, std::shared_ptr<Lease> open_lease)
      : Record(std::move(shared), message),
        lease(std::move(open_lease)),
        number(message.number()),
        params(params_of(message)),
        lease_id(message.lease_id()) {}
  ~Impl();

  const std::shared_ptr<Lease> lease;
  const std::int64_t number;
  const Params params;
  const std::string lease_id;
  std::atomic<bool> superseded{false};

  [[nodiscard]] LeaseState state() const;
  void end();
};

inline Study make_handle(const std::shared_ptr<Session>& session, const v1::Study& message) {
  return Study(std::make_shared<Study::Impl>(session, message));
}
inline Trial make_handle(const std::shared_ptr<Session>& session, const v1::Trial& message,
                         std::shared_ptr<Lease> lease = nullptr) {
  return Trial(std::make_shared<Trial::Impl>(session, message, std::move(lease)));
}
inline std::vector<Trial> make_handles(const std::shared_ptr<Session>& session,
                                       const google::protobuf::RepeatedPtrField<v1::Trial>& messages) {
  std::vector<Trial> trials;
  for (const v1::Trial& message : messages) {
    trials.push_back(make_handle(session, message));
  }
  return trials;
}

/// Walks through a list page by page; the next page is fetched when the loop gets there.
template <class Item, class Stub, class Request, class Reply, class Message>
Sequence<Item> pages(const std::shared_ptr<Session>& session,
                     grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*), Request request,
                     const google::protobuf::RepeatedPtrField<Message>& (Reply::*items)() const) {
  return Sequence<Item>([=, page = Reply(), next = 0, is_last = false]() mutable -> std::optional<Item> {
    while (next >= (page.*items)().size()) {
      if (is_last) {
        return std::nullopt;
      }
      page = session->call(method, request);
      next = 0;
      request.set_page_token(page.next_page_token());
      is_last = page.next_page_token().empty();
    }
    return make_handle(session, (page.*items)()[next++]);
  });
}

}  // namespace asktell
