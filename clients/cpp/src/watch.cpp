#include "handles.hpp"

namespace asktell {

/// A stream of changes that is opened again where it broke off.
class Watch::Impl {
 public:
  Impl(std::shared_ptr<Session> session, std::string study, std::string cursor)
      : session_(std::move(session)), study_(std::move(study)), cursor_(std::move(cursor)) {}
  ~Impl() {
    stop();
    if (stream_ && stream_->reader) {  // gRPC wants a stream to be read to its end
      for (Change rest; stream_->reader->Read(&rest);) {
      }
      (void)stream_->reader->Finish();
    }
  }

  std::optional<Change> next() {
    if (!checked_) {  // by a call with a deadline: a stream would wait for ever for a server that is not there at all
      session_->call(&StudyStub::GetStudy, request_for<v1::GetStudyRequest>(study_));
      checked_ = true;
    }
    while (!stopped_) {
      if (!stream_) {
        open();
      }
      Change change;
      if (stream_->reader && stream_->reader->Read(&change)) {
        backoff_.reset();
        cursor_ = change.cursor();
        return change;
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
    std::shared_ptr<grpc::ClientContext> under_way;
    std::unique_ptr<grpc::ClientReader<Change>> reader;
  };

  void open() {
    v1::WatchStudyRequest request;
    request.set_study(study_);
    request.set_cursor(cursor_);
    auto fresh = std::make_unique<Stream>();
    prepare(fresh->context, session_->settings);
    fresh->under_way = session_->under_way(fresh->context);
    {
      const std::lock_guard lock(mutex_);
      stream_ = std::move(fresh);
      if (stopped_) {
        stream_->context.TryCancel();
      }
    }
    stream_->reader = session_->stub<TrialStub>().WatchStudy(&stream_->context, request);
  }

  /// Throws if it was not the server, or something on the way to it, that went down.
  void ended() {
    const grpc::Status status = stream_->reader->Finish();
    const Failure failure(status, stream_->context);
    {
      const std::lock_guard lock(mutex_);
      stream_.reset();
    }
    if (stopped_) {
      return;
    }
    if (session_->closed()) {
      throw ClientClosed();
    }
    if (!status.ok() && failure.code != grpc::CANCELLED && failure.code != grpc::UNAVAILABLE) {
      failure.raise();
    }
    const bool rested = session_->sleep(backoff_.next(failure.details.retry_after), [this] { return stopped_.load(); });
    if (!rested && session_->closed()) {
      throw ClientClosed();
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

Watch::Watch(std::shared_ptr<Impl> impl) : Sequence([impl] { return impl->next(); }), impl_(std::move(impl)) {}

void Watch::stop() noexcept { impl_->stop(); }

Watch Study::watch(const std::string& cursor) const {
  return Watch(std::make_shared<Watch::Impl>(impl_->session, name(), cursor));
}

}  // namespace asktell
