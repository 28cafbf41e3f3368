#include "asktell/errors.hpp"

namespace asktell {
namespace {

std::string finished_because(const ErrorDetails& details) {
  static const std::map<std::string, std::string> words{
      {"REQUESTED", "it was finished by request"},
      {"MAX_TRIALS", "its budget of trials is used up"},
      {"TARGET", "a trial reached the target value"},
      {"PATIENCE", "the last trials did not better the best one"},
      {"DEADLINE", "its deadline has passed"},
      {"EXHAUSTED", "every configuration of its space or grid has been tried"},
  };
  const auto reason = details.metadata.find("finish_reason");
  if (reason == details.metadata.end()) {
    return details.message;
  }
  const auto found = words.find(reason->second);
  return found == words.end() ? reason->second : found->second;
}

ErrorDetails complete(ErrorDetails details) {  // the same words in every client
  details.message = "study is complete: " + finished_because(details);
  return details;
}

}  // namespace

Error::Error(ErrorDetails details)
    : std::runtime_error(details.message), details_(std::make_shared<const ErrorDetails>(std::move(details))) {}

std::string Error::metadata(const std::string& key) const {
  const auto found = details_->metadata.find(key);
  return found == details_->metadata.end() ? std::string() : found->second;
}

StudyComplete::StudyComplete(ErrorDetails details) : FailedPrecondition(complete(std::move(details))) {}

}  // namespace asktell
