#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <string>

#include "asktell/errors.hpp"

namespace asktell {

/// What a status and its details say, before it becomes an exception.
struct Failure {
  grpc::StatusCode code = grpc::StatusCode::OK;
  ErrorDetails details;

  [[nodiscard]] bool is_unavailable() const;
  [[nodiscard]] bool is_contention() const { return details.reason == "CONTENTION"; }
  [[nodiscard]] bool is_not_found() const { return code == grpc::StatusCode::NOT_FOUND; }
  [[nodiscard]] bool is_precondition() const { return code == grpc::StatusCode::FAILED_PRECONDITION; }
};

/// The context has the trailing metadata of the call that has ended.
Failure make_failure(const grpc::Status& status, const grpc::ClientContext& context);

/// Throws the exception of the failure's reason, or of its status.
[[noreturn]] void raise(const Failure& failure);

/// A complaint of this client's own, in the shape of the server's.
InvalidArgument invalid(const std::string& field, const std::string& problem);

}  // namespace asktell
