#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "asktell/client.hpp"

namespace asktell {

struct Address {
  std::string host;
  std::string port;

  [[nodiscard]] std::string text() const;
};

/// ClientOptions with the environment and the defaults filled in.
struct Settings {
  std::vector<Address> addresses;
  std::string token;  // empty = none
  bool tls = false;
  std::string certificates;  // PEM; empty = the system's
  std::string project;
  std::string worker_id;
  std::chrono::milliseconds timeout;
  std::chrono::milliseconds ask_timeout;
  std::function<void(const std::string&)> warn;

  [[nodiscard]] std::string address_text() const;
};

/// Throws InvalidOption.
Settings make_settings(const ClientOptions& options);
std::vector<Address> parse_addresses(const std::string& text);

}  // namespace asktell
