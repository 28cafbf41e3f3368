#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <netdb.h>

#include <array>

#include "call.hpp"

namespace asktell {
namespace {

constexpr int max_message_bytes = 64 << 20;

/// The numbers of all addresses in one family, as gRPC lists them; empty when one of them has none.
std::string numbers_of(const std::vector<Address>& addresses, int family) {
  std::string joined;
  for (const Address& address : addresses) {
    addrinfo hints{};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* first = nullptr;
    if (getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &first) != 0) {
      return {};
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(first, &freeaddrinfo);
    for (const addrinfo* each = first; each != nullptr; each = each->ai_next) {
      std::array<char, NI_MAXHOST> host{};
      if (getnameinfo(each->ai_addr, each->ai_addrlen, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) == 0) {
        joined += (joined.empty() ? "" : ",") + Address{host.data(), address.port}.text();
      }
    }
  }
  return joined;
}

/// gRPC's own resolver takes one name, or several numbers of one family: several names are looked up here, once.
std::string target_of(const std::vector<Address>& addresses) {
  if (addresses.size() == 1) {
    return "dns:///" + addresses.front().text();
  }
  for (const int family : {AF_INET, AF_INET6}) {
    if (const std::string joined = numbers_of(addresses, family); !joined.empty()) {
      return (family == AF_INET ? "ipv4:" : "ipv6:") + joined;
    }
  }
  throw InvalidOption("asktell: of several addresses each must have a known name, all of IPv4 or all of IPv6");
}

}  // namespace

std::shared_ptr<grpc::Channel> open_channel(const Settings& settings) {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(R"({"loadBalancingConfig": [{"round_robin": {}}]})");
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);             // Session has them: gRPC's own give up after a few attempts
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // clients share nothing, not even a back-off
  arguments.SetMaxReceiveMessageSize(max_message_bytes);
  arguments.SetUserAgentPrefix(std::string("asktell-cpp/") + ASKTELL_VERSION);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);  // a shorter one gets ENHANCE_YOUR_CALM from a server
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  // gRPC's longest delay, two minutes, would outlast a server's restart by far.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 2'000);
  if (settings.addresses.size() > 1) {
    // Else the joined list would be the authority, and the name that certificates are checked against.
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, settings.addresses.front().host);
    if (settings.tls) {
      arguments.SetSslTargetNameOverride(settings.addresses.front().host);
    }
  }
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (settings.tls) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = settings.certificates;
    credentials = grpc::SslCredentials(tls);
  }
  return grpc::CreateCustomChannel(target_of(settings.addresses), credentials, arguments);
}

void prepare(grpc::ClientContext& context, const Settings& settings) {
  context.set_wait_for_ready(true);
  if (!settings.token->empty()) {  // on plain connections too: servers behind a mesh see no TLS
    context.AddMetadata("authorization", "Bearer " + *settings.token);
  }
}

}  // namespace asktell
