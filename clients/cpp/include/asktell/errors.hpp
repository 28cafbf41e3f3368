#pragma once

#include <asktell/v1/error_reason.pb.h>

#include <chrono>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

/// @file
/// What calls throw. The type says what went wrong: it comes from the reason that the server gives, never from the
/// text. Types form a tree, so that a catch of a base takes all below it.

namespace asktell {

/// What an error carries.
struct ErrorDetails {
  std::string message;                          ///< for people
  std::string reason;                           ///< for programs, e.g. "STUDY_COMPLETE"; empty: not from a server
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
  /// Puts a text in front of the message.
  void prepend(const std::string& text);

 private:
  std::shared_ptr<const ErrorDetails> details_;  // shared: copying an exception must not throw
};

/// The error of one reason of the contract.
template <v1::ErrorReason Reason, class Base>
struct ErrorOf : Base {
  static constexpr v1::ErrorReason error_reason = Reason;
  using Base::Base;
};

/// A field is wrong, see field(); nothing was changed.
struct InvalidArgument : Error {
  using Error::Error;
};
/// A value is NaN or infinite.
using NotFinite = ErrorOf<v1::ERROR_REASON_NOT_FINITE, InvalidArgument>;
/// The study declares no such metric.
using UnknownMetric = ErrorOf<v1::ERROR_REASON_UNKNOWN_METRIC, InvalidArgument>;
/// A result without the objective.
using MissingObjective = ErrorOf<v1::ERROR_REASON_MISSING_OBJECTIVE, InvalidArgument>;
/// A parameter value that its domain does not have, or that is missing.
using ValueOutsideSpace = ErrorOf<v1::ERROR_REASON_VALUE_OUTSIDE_SPACE, InvalidArgument>;
/// An objective is measured on test data, which would make it worthless as a test.
using TestSplitObjective = ErrorOf<v1::ERROR_REASON_TEST_SPLIT_OBJECTIVE, InvalidArgument>;
/// The grid has more than 1,000,000 points.
using GridTooLarge = ErrorOf<v1::ERROR_REASON_GRID_TOO_LARGE, InvalidArgument>;
/// A study file is no YAML, or has an unknown or missing key or a value of another kind. The text begins with
/// file:line:column, also where another InvalidArgument is about a study file; metadata("line") and metadata("column").
using InvalidStudyFile = ErrorOf<v1::ERROR_REASON_INVALID_STUDY_FILE, InvalidArgument>;

/// The contract has it, this server does not do it.
struct NotSupported : Error {
  using Error::Error;
};

/// No such study or trial, see name().
struct NotFound : Error {
  using Error::Error;
};
/// No such study.
using StudyNotFound = ErrorOf<v1::ERROR_REASON_STUDY_NOT_FOUND, NotFound>;
/// No such trial.
using TrialNotFound = ErrorOf<v1::ERROR_REASON_TRIAL_NOT_FOUND, NotFound>;

/// A study of that name, or another result, exists.
struct AlreadyExists : Error {
  using Error::Error;
};
/// A study of that name exists; with Existing::open, one that differs in what can never be changed:
/// metadata("differs").
using StudyExists = ErrorOf<v1::ERROR_REASON_STUDY_EXISTS, AlreadyExists>;
/// The trial has another result; corrections go through Trial::amend.
using ResultConflict = ErrorOf<v1::ERROR_REASON_RESULT_CONFLICT, AlreadyExists>;

/// The state of the study or trial does not allow the call.
struct FailedPrecondition : Error {
  using Error::Error;
};
/// The study hands out no more trials: metadata("finish_reason") says why. The text begins with "study is complete".
struct StudyComplete : FailedPrecondition {
  static constexpr v1::ErrorReason error_reason = v1::ERROR_REASON_STUDY_COMPLETE;
  explicit StudyComplete(ErrorDetails details);
};
/// The study hands out no trials until it is resumed.
using StudyPaused = ErrorOf<v1::ERROR_REASON_STUDY_PAUSED, FailedPrecondition>;
/// The study is searched by hand, and nothing is enqueued.
using QueueEmpty = ErrorOf<v1::ERROR_REASON_QUEUE_EMPTY, FailedPrecondition>;
/// Every configuration with the fixed values of the ask has been tried; others are left, and the study goes on.
using FixedExhausted = ErrorOf<v1::ERROR_REASON_FIXED_EXHAUSTED, FailedPrecondition>;
/// The study has too few results for a model.
using TooFewResults = ErrorOf<v1::ERROR_REASON_TOO_FEW_RESULTS, FailedPrecondition>;
/// The trial's state does not allow the call.
using IllegalTransition = ErrorOf<v1::ERROR_REASON_ILLEGAL_TRANSITION, FailedPrecondition>;
/// The trial is no longer this worker's.
using LeaseLost = ErrorOf<v1::ERROR_REASON_LEASE_LOST, FailedPrecondition>;

/// A race was lost; nothing was changed and the call may be made again.
struct Aborted : Error {
  using Error::Error;
};
/// The study changed since it was read.
using EtagMismatch = ErrorOf<v1::ERROR_REASON_ETAG_MISMATCH, Aborted>;
/// Too many writers at once, for longer than the client's own retries.
using Contention = ErrorOf<v1::ERROR_REASON_CONTENTION, Aborted>;

/// A limit is reached, or the server is at the end of its capacity.
struct ResourceExhausted : Error {
  using Error::Error;
};
/// All that may run now is running; ask again after retry_after().
using NoTrialAvailable = ErrorOf<v1::ERROR_REASON_NO_TRIAL_AVAILABLE, ResourceExhausted>;
/// The server has as many calls as it can take.
using Overloaded = ErrorOf<v1::ERROR_REASON_OVERLOADED, ResourceExhausted>;
/// A limit of the product is reached.
using LimitExceeded = ErrorOf<v1::ERROR_REASON_LIMIT_EXCEEDED, ResourceExhausted>;

/// No server, or its store is away, for longer than the call's deadline.
struct Unavailable : Error {
  using Error::Error;
};
/// The answer was not ready in time. The call may have been carried out; making it again is safe.
struct DeadlineExceeded : Error {
  using Error::Error;
};
/// The token is missing or wrong.
struct Unauthenticated : Error {
  using Error::Error;
};
/// A bug of the server; its log has more under metadata("incident").
struct Internal : Error {
  using Error::Error;
};
/// The client has been closed.
struct ClientClosed : Error {
  ClientClosed() : Error({"the client has been closed", {}, {}, {}}) {}
};

/// A setting of the client is wrong: an option or an environment variable.
struct InvalidOption : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// There is no single best trial among several objectives; see Study::pareto_front.
struct SeveralObjectives : std::logic_error {
  using std::logic_error::logic_error;
};

}  // namespace asktell
