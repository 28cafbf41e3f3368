#include "options.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "asktell/errors.hpp"

namespace asktell {
namespace {

constexpr auto default_address = "localhost:50051";
constexpr auto default_port = "50051";

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it meanwhile
  return value == nullptr ? std::string() : std::string(value);
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\n");
  return first == std::string::npos ? std::string() : text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

bool is_port(const std::string& text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string::npos &&
         std::stoi(text) > 0 && std::stoi(text) <= 65535;
}

Address parse_address(const std::string& text) {
  if (text.find('/') != std::string::npos) {
    throw InvalidOption("asktell: an address is host:port, got \"" + text +
                        "\" (a path or scheme; the option tls switches TLS on)");
  }
  Address address{text, default_port};
  const bool bracketed = text.front() == '[';
  const auto colon = text.rfind(':');
  if (colon != std::string::npos && text.back() != ']') {
    address = {text.substr(0, colon), text.substr(colon + 1)};
  }
  if (bracketed && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else if (bracketed || address.host.find(':') != std::string::npos) {
    throw InvalidOption("asktell: an address is host:port, with IPv6 as in [::1]:50051; got \"" + text + "\"");
  }
  if (address.host.empty() || !is_port(address.port)) {
    throw InvalidOption("asktell: an address is host:port, got \"" + text + "\"");
  }
  return address;
}

std::string read_certificates(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) {
    throw InvalidOption("asktell: certificates to trust: cannot read " + path);
  }
  if (text.str().find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    throw InvalidOption("asktell: " + path + " holds no PEM certificate");
  }
  return text.str();
}

std::string default_worker_id() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) {
    host = {"unknown"};
  }
  return std::string(host.data()) + ":" + std::to_string(getpid());
}

void positive(const char* option, std::chrono::milliseconds timeout) {
  if (timeout.count() <= 0) {
    throw InvalidOption(std::string("asktell: ") + option + " must be greater than 0");
  }
}

}  // namespace

std::string Address::text() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

std::string Settings::address_text() const {
  std::string text;
  for (const Address& address : addresses) {
    text += (text.empty() ? "" : ",") + address.text();
  }
  return text;
}

std::vector<Address> parse_addresses(const std::string& text) {
  std::vector<Address> addresses;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    if (part = trimmed(part); !part.empty()) {
      addresses.push_back(parse_address(part));
    }
  }
  if (addresses.empty()) {
    addresses.push_back(parse_address(default_address));
  }
  return addresses;
}

Settings make_settings(const ClientOptions& options) {
  positive("timeout", options.timeout);
  positive("ask_timeout", options.ask_timeout);
  Settings settings;
  settings.project = options.project;
  settings.worker_id = options.worker_id ? *options.worker_id : default_worker_id();
  settings.timeout = options.timeout;
  settings.ask_timeout = options.ask_timeout;
  settings.warn =
      options.on_warning ? options.on_warning : [](const std::string& text) { std::clog << "asktell: " + text + "\n"; };
  // The environment is only looked at where no option decides: a broken variable must not spoil a good argument.
  settings.addresses = parse_addresses(options.address ? *options.address : environment("ASKTELL_ADDRESS"));
  settings.token = options.token ? *options.token : environment("ASKTELL_TOKEN");
  settings.tls = options.tls;
  const bool from_environment = !options.tls_ca_file && !options.tls;
  const std::string file = from_environment ? environment("ASKTELL_TLS_CA") : options.tls_ca_file.value_or("");
  if (!file.empty()) {
    settings.tls = true;
    settings.certificates = read_certificates(file);
  }
  return settings;
}

}  // namespace asktell
