import { Client, credentials, experimental, type ChannelOptions } from "@grpc/grpc-js";

import { showAddress, type Address, type Settings } from "./settings.js";

const SCHEME = "asktell";
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Opens a channel; the connection itself is made by the first call. */
export function openChannel(settings: Settings): Client {
  const [first, ...others] = settings.addresses as [Address, ...Address[]];
  const options: ChannelOptions = {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.enable_retries": 0, // the transport has them: gRPC's own give up after a few attempts
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.primary_user_agent": "asktell-typescript",
    "grpc.keepalive_time_ms": 30_000, // a shorter one gets ENHANCE_YOUR_CALM from a server
    "grpc.keepalive_timeout_ms": 10_000,
    // gRPC's longest delay, two minutes, would outlast a server's restart by far.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
    "grpc.use_local_subchannel_pool": 1, // closing this client closes its connections
  };
  let target = `dns:///${showAddress(first)}`;
  if (others.length > 0) {
    experimental.registerResolver(SCHEME, ListResolver); // again with each channel, which changes nothing
    target = `${SCHEME}:///${settings.addresses.map(showAddress).join(",")}`;
    // Not the joined list: it is the name that certificates are checked against, and the :authority of calls.
    options["grpc.default_authority"] = first.host;
    if (settings.tls) {
      options["grpc.ssl_target_name_override"] = first.host;
    }
  }
  const secure = settings.tls ? credentials.createSsl(settings.tls.roots) : credentials.createInsecure();
  return new Client(target, secure, options);
}

/** gRPC's own "ipv4:a,b" takes no host names: this does, and leaves resolving them to the connection. */
class ListResolver implements experimental.Resolver {
  readonly #listener: experimental.ResolverListener;
  readonly #endpoints: experimental.Endpoint[];
  #resolved = false;

  constructor(target: experimental.GrpcUri, listener: experimental.ResolverListener) {
    this.#listener = listener;
    this.#endpoints = target.path.split(",").map((address) => {
      const { host, port = 0 } = experimental.splitHostPort(address) ?? { host: address };
      return { addresses: [{ host, port }] };
    });
  }

  updateResolution(): void {
    if (!this.#resolved) {
      this.#resolved = true;
      process.nextTick(() => {
        this.#listener(experimental.statusOrFromValue(this.#endpoints), {}, null, "");
      });
    }
  }

  destroy(): void {
    this.#resolved = false;
  }

  static getDefaultAuthority(target: experimental.GrpcUri): string {
    return target.path.split(",")[0] ?? "";
  }
}
