#pragma once

#include <string>
#include <vector>

#include "asktell/client.hpp"

namespace asktell {

struct Address {
  std::string host;
  std::string port;

  [[nodiscard]] std::string text() const;
};

/// ClientOptions with the environment and the defaults filled in: all but tls_ca_file are set.
struct Settings : ClientOptions {
  std::vector<Address> addresses;
  std::string certificates;  // PEM; empty = the system's
};

/// Throws InvalidOption.
Settings make_settings(const ClientOptions& options);

/// The bytes of a file. Throws std::system_error.
std::string read_file(const std::string& path);

}  // namespace asktell
