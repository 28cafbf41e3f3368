#include "options.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <regex>
#include <sstream>
#include <system_error>

#include "asktell/errors.hpp"

namespace asktell {
namespace {

constexpr auto default_address = "localhost:50051";
constexpr auto default_port = "50051";

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it meanwhile
  return value == nullptr ? std::string() : std::string(value);
}

Address parse_address(const std::string& text) {
  static const std::regex form(R"(\s*(?:\[([^\]\s]+)\]|([^\[\]:/\s]+))(?::(\d{1,5}))?\s*)");
  std::smatch parts;
  if (std::regex_match(text, parts, form)) {
    const std::string port = parts[3].matched ? parts.str(3) : default_port;
    if (std::stoi(port) > 0 && std::stoi(port) <= 65535) {
      return {parts.str(1) + parts.str(2), port};
    }
  }
  throw InvalidOption("asktell: an address is host:port, with IPv6 as in [::1]:50051; got \"" + text +
                      "\" (no path or scheme: the option tls switches TLS on)");
}

/// Empty when the text names none.
std::vector<Address> parse_addresses(const std::string& text) {
  std::vector<Address> addresses;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    if (part.find_first_not_of(" \t\n") != std::string::npos) {
      addresses.push_back(parse_address(part));
    }
  }
  return addresses;
}

std::string read_certificates(const std::string& path) {
  std::string text;
  try {
    text = read_file(path);
  } catch (const std::system_error& error) {
    throw InvalidOption(std::string("asktell: certificates to trust: ") + error.what());
  }
  if (text.find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    throw InvalidOption("asktell: " + path + " holds no PEM certificate");
  }
  return text;
}

std::string default_worker_id() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) {
    host = {"unknown"};
  }
  return std::string(host.data()) + ":" + std::to_string(getpid());
}

}  // namespace

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) {
    throw std::system_error(errno == 0 ? EIO : errno, std::generic_category(), "cannot read " + path);
  }
  return text.str();
}

std::string Address::text() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

Settings make_settings(const ClientOptions& options) {
  if (options.timeout.count() <= 0 || options.ask_timeout.count() <= 0) {
    throw InvalidOption("asktell: timeout and ask_timeout must be greater than 0");
  }
  Settings settings{options, {}, {}};
  if (!settings.worker_id) {
    settings.worker_id = default_worker_id();
  }
  if (!settings.on_warning) {
    settings.on_warning = [](const std::string& text) { std::clog << "asktell: " + text + "\n"; };
  }
  // The environment is only looked at where no option decides: a broken variable must not spoil a good argument.
  settings.address = options.address ? *options.address : environment("ASKTELL_ADDRESS");
  settings.addresses = parse_addresses(*settings.address);
  if (settings.addresses.empty()) {
    settings.addresses = parse_addresses(*(settings.address = default_address));
  }
  settings.token = options.token ? *options.token : environment("ASKTELL_TOKEN");
  const bool from_environment = !options.tls_ca_file && !options.tls;
  const std::string file = from_environment ? environment("ASKTELL_TLS_CA") : options.tls_ca_file.value_or("");
  if (!file.empty()) {
    settings.tls = true;
    settings.certificates = read_certificates(file);
  }
  return settings;
}

}  // namespace asktell
