#include "call.hpp"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include <algorithm>
#include <cstdlib>
#include <iomanip>
#include <random>
#include <sstream>
#include <unordered_map>

namespace asktell {
namespace {

constexpr std::chrono::milliseconds first_delay{100};
constexpr std::chrono::milliseconds longest_delay{5000};

using Raise = void (*)(const ErrorDetails&);

template <class Kind>
void raise_as(const ErrorDetails& details) {
  throw Kind(details);
}

template <class... Kinds>
std::unordered_map<std::string, Raise> by_reason() {
  return {{v1::ErrorReason_Name(Kinds::error_reason), raise_as<Kinds>}...};
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

std::string random_id() {
  std::random_device random;  // no seeded generator: ids of two processes must never be the same
  std::ostringstream id;
  id << std::hex << std::setfill('0');
  for (int word = 0; word < 4; ++word) {
    id << std::setw(8) << random();
  }
  return id.str();
}

}  // namespace

void identify(google::protobuf::Message& request) {
  const auto* id = request.GetDescriptor()->FindFieldByName("request_id");
  if (id != nullptr && request.GetReflection()->GetString(request, id).empty()) {
    request.GetReflection()->SetString(&request, id, random_id());
  }
}

Failure::Failure(const grpc::Status& status, const grpc::ClientContext& context) : code(status.error_code()) {
  details.message = status.error_message().empty() ? "status " + std::to_string(code) : status.error_message();
  google::rpc::Status rich;
  rich.ParseFromString(status.error_details());
  for (const auto& detail : rich.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info) && info.domain() == "asktell") {
      details.reason = info.reason();
      details.metadata = {info.metadata().begin(), info.metadata().end()};
    } else if (detail.UnpackTo(&retry)) {
      const auto& delay = retry.retry_delay();
      details.retry_after = std::chrono::milliseconds(delay.seconds() * 1000 + (delay.nanos() + 999'999) / 1'000'000);
    }
  }
  details.retry_after = std::max(details.retry_after, pushback(context));
}

void Failure::raise() const {
  static const auto reasons =
      by_reason<NotFinite, UnknownMetric, MissingObjective, ValueOutsideSpace, TestSplitObjective, GridTooLarge,
                InvalidStudyFile, StudyNotFound, TrialNotFound, StudyExists, ResultConflict, StudyComplete, StudyPaused,
                QueueEmpty, FixedExhausted, TooFewResults, IllegalTransition, LeaseLost, EtagMismatch, Contention,
                NoTrialAvailable, Overloaded, LimitExceeded>();
  // For reasons without a type of their own, and for a status without a reason: a proxy's, or gRPC's own.
  static const std::unordered_map<int, Raise> codes{
      {grpc::INVALID_ARGUMENT, raise_as<InvalidArgument>},
      {grpc::UNIMPLEMENTED, raise_as<NotSupported>},
      {grpc::NOT_FOUND, raise_as<NotFound>},
      {grpc::ALREADY_EXISTS, raise_as<AlreadyExists>},
      {grpc::FAILED_PRECONDITION, raise_as<FailedPrecondition>},
      {grpc::ABORTED, raise_as<Aborted>},
      {grpc::RESOURCE_EXHAUSTED, raise_as<ResourceExhausted>},
      {grpc::UNAVAILABLE, raise_as<Unavailable>},
      {grpc::DEADLINE_EXCEEDED, raise_as<DeadlineExceeded>},
      {grpc::UNAUTHENTICATED, raise_as<Unauthenticated>},
      {grpc::INTERNAL, raise_as<Internal>},
  };
  if (const auto found = reasons.find("ERROR_REASON_" + details.reason); found != reasons.end()) {
    found->second(details);
  }
  if (const auto found = codes.find(code); found != codes.end()) {
    found->second(details);
  }
  throw Error(details);
}

Clock::duration jitter(std::chrono::milliseconds delay, double low, double high) {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  const double share = std::uniform_real_distribution<double>(low, high)(generator);
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(delay) * share);
}

Clock::duration Backoff::next(std::chrono::milliseconds hint) {
  last_ = std::min(longest_delay, std::max(first_delay, 2 * last_));
  return std::max(jitter(last_, 0.5, 1.0), jitter(hint, 1.0, 1.1));
}

}  // namespace asktell
