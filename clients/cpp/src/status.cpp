#include "status.hpp"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

namespace asktell {
namespace {

using Raise = void (*)(const ErrorDetails&);

template <class Kind>
void raise_as(const ErrorDetails& details) {
  throw Kind(details);
}

const std::unordered_map<std::string, Raise>& reasons() {
  static const std::unordered_map<std::string, Raise> table{
      {"INVALID_FIELD", raise_as<InvalidArgument>},
      {"NOT_FINITE", raise_as<NotFinite>},
      {"UNKNOWN_METRIC", raise_as<UnknownMetric>},
      {"MISSING_OBJECTIVE", raise_as<MissingObjective>},
      {"VALUE_OUTSIDE_SPACE", raise_as<ValueOutsideSpace>},
      {"REQUEST_ID_REUSED", raise_as<InvalidArgument>},
      {"TEST_SPLIT_OBJECTIVE", raise_as<TestSplitObjective>},
      {"GRID_TOO_LARGE", raise_as<GridTooLarge>},
      {"INVALID_TOKEN", raise_as<InvalidArgument>},
      {"NOT_SUPPORTED", raise_as<NotSupported>},
      {"STUDY_NOT_FOUND", raise_as<StudyNotFound>},
      {"TRIAL_NOT_FOUND", raise_as<TrialNotFound>},
      {"STUDY_EXISTS", raise_as<StudyExists>},
      {"RESULT_CONFLICT", raise_as<ResultConflict>},
      {"STUDY_COMPLETE", raise_as<StudyComplete>},
      {"STUDY_PAUSED", raise_as<StudyPaused>},
      {"QUEUE_EMPTY", raise_as<QueueEmpty>},
      {"ILLEGAL_TRANSITION", raise_as<IllegalTransition>},
      {"LEASE_LOST", raise_as<LeaseLost>},
      {"ETAG_MISMATCH", raise_as<EtagMismatch>},
      {"CONTENTION", raise_as<Contention>},
      {"NO_TRIAL_AVAILABLE", raise_as<NoTrialAvailable>},
      {"OVERLOADED", raise_as<Overloaded>},
      {"LIMIT_EXCEEDED", raise_as<LimitExceeded>},
      {"STORE_UNAVAILABLE", raise_as<Unavailable>},
      {"SERVER_DRAINING", raise_as<Unavailable>},
      {"STATELESS_SERVER", raise_as<NotSupported>},
      {"UNAUTHENTICATED", raise_as<Unauthenticated>},
      {"INTERNAL", raise_as<Internal>},
      {"DEADLINE", raise_as<DeadlineExceeded>},
  };
  return table;
}

// For a status without a reason (a proxy's, or gRPC's own) and for reasons newer than this client.
Raise by_code(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
      return raise_as<InvalidArgument>;
    case grpc::StatusCode::UNIMPLEMENTED:
      return raise_as<NotSupported>;
    case grpc::StatusCode::NOT_FOUND:
      return raise_as<NotFound>;
    case grpc::StatusCode::ALREADY_EXISTS:
      return raise_as<AlreadyExists>;
    case grpc::StatusCode::FAILED_PRECONDITION:
      return raise_as<FailedPrecondition>;
    case grpc::StatusCode::ABORTED:
      return raise_as<Aborted>;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return raise_as<ResourceExhausted>;
    case grpc::StatusCode::UNAVAILABLE:
      return raise_as<Unavailable>;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return raise_as<DeadlineExceeded>;
    case grpc::StatusCode::UNAUTHENTICATED:
      return raise_as<Unauthenticated>;
    case grpc::StatusCode::INTERNAL:
      return raise_as<Internal>;
    default:
      return raise_as<Error>;
  }
}

std::chrono::milliseconds pushback(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("grpc-retry-pushback-ms");
  if (found == trailers.end()) {
    return std::chrono::milliseconds(0);
  }
  const std::string text(found->second.data(), found->second.size());
  return std::chrono::milliseconds(std::clamp(std::strtol(text.c_str(), nullptr, 10), 0L, 3'600'000L));
}

}  // namespace

bool Failure::is_unavailable() const {
  return details.reason.empty() || reasons().count(details.reason) == 0
             ? code == grpc::StatusCode::UNAVAILABLE
             : details.reason == "STORE_UNAVAILABLE" || details.reason == "SERVER_DRAINING";
}

Failure make_failure(const grpc::Status& status, const grpc::ClientContext& context) {
  Failure failure;
  failure.code = status.error_code();
  failure.details.message =
      status.error_message().empty() ? "status " + std::to_string(status.error_code()) : status.error_message();
  google::rpc::Status rich;
  if (!status.error_details().empty() && rich.ParseFromString(status.error_details())) {
    for (const auto& detail : rich.details()) {
      google::rpc::ErrorInfo info;
      google::rpc::RetryInfo retry;
      if (detail.UnpackTo(&info) && info.domain() == "asktell") {
        failure.details.reason = info.reason();
        failure.details.metadata = {info.metadata().begin(), info.metadata().end()};
      } else if (detail.UnpackTo(&retry)) {
        const auto& delay = retry.retry_delay();
        failure.details.retry_after =
            std::chrono::milliseconds(delay.seconds() * 1000 + (delay.nanos() + 999'999) / 1'000'000);
      }
    }
  }
  failure.details.retry_after = std::max(failure.details.retry_after, pushback(context));
  return failure;
}

void raise(const Failure& failure) {
  const auto found = reasons().find(failure.details.reason);
  (found != reasons().end() ? found->second : by_code(failure.code))(failure.details);
  throw Internal(failure.details);  // not reached: each of them throws
}

InvalidArgument invalid(const std::string& field, const std::string& problem) {
  ErrorDetails details;
  details.message = field + ": " + problem;
  details.metadata = {{"field", field}};
  return InvalidArgument(std::move(details));
}

}  // namespace asktell
