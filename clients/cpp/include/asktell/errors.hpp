#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "asktell/enums.hpp"
#include "asktell/values.hpp"

/// @file
/// What calls throw. The type tells what went wrong (it comes from the reason that the server gives, never from the
/// text); types form a tree, so that a catch of a base takes all below it.

namespace asktell {

/// What an error carries.
struct ErrorDetails {
  std::string message;                          ///< for people
  std::string reason;                           ///< for programs, e.g. "STUDY_COMPLETE"; empty: no server's word
  std::map<std::string, std::string> metadata;  ///< what the catalogue of reasons promises for the reason
  std::chrono::milliseconds retry_after{0};     ///< when another try makes sense; 0 = nothing is known
};

/// What a call ended with.
class Error : public std::runtime_error {
 public:
  explicit Error(ErrorDetails details);

  [[nodiscard]] const std::string& reason() const noexcept { return details_->reason; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept { return details_->metadata; }
  /// One entry of the metadata; empty when it is not there.
  [[nodiscard]] std::string metadata(const std::string& key) const;
  /// Path of the wrong field, of an InvalidArgument or NotSupported.
  [[nodiscard]] std::string field() const { return metadata("field"); }
  /// Resource name of the study or trial that the error is about.
  [[nodiscard]] std::string name() const { return metadata("name"); }
  /// When another try makes sense; 0 = nothing is known.
  [[nodiscard]] std::chrono::milliseconds retry_after() const noexcept { return details_->retry_after; }

 private:
  std::shared_ptr<const ErrorDetails> details_;  // shared: copying an exception must not throw
};

/// A field is wrong, see field(); nothing was changed.
class InvalidArgument : public Error {
 public:
  using Error::Error;
};
/// A value is NaN or infinite.
class NotFinite : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
};
/// The study declares no such metric.
class UnknownMetric : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
};
/// A result without the objective.
class MissingObjective : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
};
/// A parameter value that its domain does not have, or that is missing.
class ValueOutsideSpace : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
};
/// An objective is measured on test data, which would make it worthless as a test.
class TestSplitObjective : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
};
/// The grid has more than 1,000,000 points.
class GridTooLarge : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
};

/// The contract has it, this server does not do it.
class NotSupported : public Error {
 public:
  using Error::Error;
};

/// No such study or trial, see name().
class NotFound : public Error {
 public:
  using Error::Error;
};
/// No such study.
class StudyNotFound : public NotFound {
 public:
  using NotFound::NotFound;
};
/// No such trial.
class TrialNotFound : public NotFound {
 public:
  using NotFound::NotFound;
};

/// A study of that name, or another result, exists.
class AlreadyExists : public Error {
 public:
  using Error::Error;
};
/// A study of that name exists; with Existing::open, one with another specification.
class StudyExists : public AlreadyExists {
 public:
  using AlreadyExists::AlreadyExists;
};
/// The trial has another result; corrections go through Trial::amend.
class ResultConflict : public AlreadyExists {
 public:
  using AlreadyExists::AlreadyExists;
};

/// The state of the study or trial does not allow the call.
class FailedPrecondition : public Error {
 public:
  using Error::Error;
};
/// The study hands out no more trials: metadata("finish_reason") says why. The text begins with "study is complete".
class StudyComplete : public FailedPrecondition {
 public:
  explicit StudyComplete(ErrorDetails details);
};
/// The study hands out no trials until it is resumed.
class StudyPaused : public FailedPrecondition {
 public:
  using FailedPrecondition::FailedPrecondition;
};
/// The study is searched by hand, and nothing is enqueued.
class QueueEmpty : public FailedPrecondition {
 public:
  using FailedPrecondition::FailedPrecondition;
};
/// The trial's state does not allow the call.
class IllegalTransition : public FailedPrecondition {
 public:
  using FailedPrecondition::FailedPrecondition;
};
/// The trial is no longer this worker's.
class LeaseLost : public FailedPrecondition {
 public:
  using FailedPrecondition::FailedPrecondition;
};

/// A race was lost; nothing was changed and the call may be made again.
class Aborted : public Error {
 public:
  using Error::Error;
};
/// The study changed since it was read.
class EtagMismatch : public Aborted {
 public:
  using Aborted::Aborted;
};
/// Too many writers at once, for longer than the client's own retries.
class Contention : public Aborted {
 public:
  using Aborted::Aborted;
};

/// A limit is reached, or the server is at the end of its capacity.
class ResourceExhausted : public Error {
 public:
  using Error::Error;
};
/// All that may run now is running; ask again after retry_after().
class NoTrialAvailable : public ResourceExhausted {
 public:
  using ResourceExhausted::ResourceExhausted;
};
/// The server has as many calls as it can take.
class Overloaded : public ResourceExhausted {
 public:
  using ResourceExhausted::ResourceExhausted;
};
/// A limit of the product is reached.
class LimitExceeded : public ResourceExhausted {
 public:
  using ResourceExhausted::ResourceExhausted;
};

/// No server, or its store is away, for longer than the call's deadline.
class Unavailable : public Error {
 public:
  using Error::Error;
};
/// The answer was not ready in time. The call may have been carried out; making it again is safe.
class DeadlineExceeded : public Error {
 public:
  using Error::Error;
};
/// The token is missing or wrong.
class Unauthenticated : public Error {
 public:
  using Error::Error;
};
/// A bug of the server; its log has more under metadata("incident").
class Internal : public Error {
 public:
  using Error::Error;
};
/// The client has been closed.
class ClientClosed : public Error {
 public:
  using Error::Error;
};

/// A setting of the client is wrong: an option or an environment variable.
class InvalidOption : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A mistake in a study file; the text begins with file:line:column.
class StudyFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace asktell
