#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>

#include "options.hpp"

namespace asktell {

/// A channel to all of the addresses; the connections themselves are made by the first call.
std::shared_ptr<grpc::Channel> open_channel(const Settings& settings);

/// What every call carries, streams too.
void prepare(grpc::ClientContext& context, const Settings& settings);

}  // namespace asktell
