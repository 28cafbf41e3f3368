#include "asktell/errors.hpp"

namespace asktell {
namespace {

// The same words in every client.
ErrorDetails complete(ErrorDetails details) {
  static const std::map<std::string, std::string> words{
      {"REQUESTED", "it was finished by request"},
      {"MAX_TRIALS", "its budget of trials is used up"},
      {"TARGET", "a trial reached the target value"},
      {"PATIENCE", "the last trials did not better the best one"},
      {"DEADLINE", "its deadline has passed"},
      {"LITTLE_TO_GAIN", "another 10 trials are expected to gain too little"},
      {"EXHAUSTED", "every configuration of its space or grid has been tried"},
  };
  if (const auto reason = details.metadata.find("finish_reason"); reason != details.metadata.end()) {
    const auto found = words.find(reason->second);
    details.message = found == words.end() ? reason->second : found->second;
  }
  details.message = "study is complete: " + details.message;
  return details;
}

}  // namespace

Error::Error(ErrorDetails details)
    : std::runtime_error(details.message), details_(std::make_shared<const ErrorDetails>(std::move(details))) {}

std::string Error::metadata(const std::string& key) const {
  const auto found = details_->metadata.find(key);
  return found == details_->metadata.end() ? std::string() : found->second;
}

void Error::prepend(const std::string& text) { std::runtime_error::operator=(std::runtime_error(text + what())); }

StudyComplete::StudyComplete(ErrorDetails details) : FailedPrecondition(complete(std::move(details))) {}

}  // namespace asktell
