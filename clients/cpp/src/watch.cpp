#include "asktell/watch.hpp"

#include <atomic>

#include "channel.hpp"
#include "handles.hpp"
#include "info_codec.hpp"

namespace asktell {
namespace {

Change decode_change(const v1::WatchStudyResponse& wire) {
  Change change{wire.cursor(), UnknownChange{}};
  switch (wire.change_case()) {
    case v1::WatchStudyResponse::kStudy:
      change.what = decode(wire.study());
      break;
    case v1::WatchStudyResponse::kTrial:
      change.what = decode(wire.trial());
      break;
    case v1::WatchStudyResponse::kDeletedTrial:
      change.what = DeletedTrial{trial_number(wire.deleted_trial().name())};
      break;
    case v1::WatchStudyResponse::kReported:
      change.what = ReportedMeasurement{trial_number(wire.reported().name()), decode(wire.reported().measurement())};
      break;
    case v1::WatchStudyResponse::CHANGE_NOT_SET:
      break;
  }
  return change;
}

}  // namespace

/// A stream of changes that is opened again where it broke off.
class Watch::Impl {
 public:
  Impl(std::shared_ptr<Session> session, std::string study, std::string cursor)
      : session_(std::move(session)), study_(std::move(study)), cursor_(std::move(cursor)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    stop();
    drain();
  }

  std::optional<Change> next() {
    if (!checked_) {
      check();
    }
    while (!stopped_) {
      if (!stream_) {
        open();
      }
      v1::WatchStudyResponse answer;
      if (stream_->reader && stream_->reader->Read(&answer)) {
        backoff_.reset();
        cursor_ = answer.cursor();
        return decode_change(answer);
      }
      ended();
    }
    return std::nullopt;
  }

  void stop() {
    stopped_ = true;
    {
      const std::lock_guard lock(mutex_);
      if (stream_) {
        stream_->context.TryCancel();
      }
    }
    session_->wake();
  }

 private:
  struct Stream {
    grpc::ClientContext context;
    std::optional<Session::UnderWay> under_way;
    std::unique_ptr<grpc::ClientReader<v1::WatchStudyResponse>> reader;
  };

  // A call with a deadline first: a stream would wait for ever for a server that is not there at all.
  void check() {
    v1::GetStudyRequest request;
    request.set_name(study_);
    session_->call(*session_->studies, &v1::StudyService::Stub::GetStudy, request);
    checked_ = true;
  }

  void open() {
    v1::WatchStudyRequest request;
    request.set_study(study_);
    request.set_cursor(cursor_);
    auto fresh = std::make_unique<Stream>();
    prepare(fresh->context, session_->settings);
    fresh->under_way.emplace(*session_, fresh->context);
    {
      const std::lock_guard lock(mutex_);
      stream_ = std::move(fresh);
      if (stopped_) {
        stream_->context.TryCancel();
      }
    }
    stream_->reader = session_->trials->WatchStudy(&stream_->context, request);
  }

  /// Throws if it was not the server, or something on the way to it, that went down.
  void ended() {
    const grpc::Status status = stream_->reader->Finish();
    const Failure failure = make_failure(status, stream_->context);
    {
      const std::lock_guard lock(mutex_);
      stream_.reset();
    }
    if (stopped_) {
      return;
    }
    if (session_->closed()) {
      raise_closed();
    }
    if (!status.ok() && status.error_code() != grpc::StatusCode::CANCELLED && !failure.is_unavailable()) {
      raise(failure);
    }
    const bool rested = session_->sleep(backoff_.next(failure.details.retry_after), [this] { return stopped_.load(); });
    if (!rested && session_->closed()) {
      raise_closed();
    }
  }

  // gRPC wants a stream to be read to its end.
  void drain() {
    if (stream_ && stream_->reader) {
      v1::WatchStudyResponse rest;
      while (stream_->reader->Read(&rest)) {
      }
      (void)stream_->reader->Finish();
    }
  }

  const std::shared_ptr<Session> session_;
  const std::string study_;
  std::string cursor_;
  bool checked_ = false;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;  // of which object stream_ is
  std::unique_ptr<Stream> stream_;
  Backoff backoff_;
};

Watch::Watch(std::shared_ptr<Impl> impl) noexcept
    : impl_(std::move(impl)), changes_([shared = impl_] { return shared->next(); }) {}
Watch::Watch(Watch&& other) noexcept = default;
Watch& Watch::operator=(Watch&& other) noexcept = default;
Watch::~Watch() = default;

std::optional<Change> Watch::next() { return impl_->next(); }
void Watch::stop() noexcept { impl_->stop(); }

Watch make_watch(const std::shared_ptr<Session>& session, const std::string& study, const std::string& cursor) {
  return Watch(std::make_shared<Watch::Impl>(session, study, cursor));
}

}  // namespace asktell
