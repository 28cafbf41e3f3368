package io.asktell;

import io.grpc.Attributes;
import io.grpc.ChannelCredentials;
import io.grpc.EquivalentAddressGroup;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Opens channels to one or several servers. */
final class Channels {
  private static final String SCHEME = "asktell";
  private static final int MAX_MESSAGE_BYTES = 64 << 20;

  static {
    NameResolverRegistry.getDefaultRegistry().register(new Provider());
  }

  private Channels() {}

  /** The connection itself is made by the first call. */
  static ManagedChannel open(Settings settings) {
    String addresses =
        settings.addresses().stream().map(Address::toString).collect(Collectors.joining(","));
    // The constructor of URI escapes the brackets of IPv6 addresses.
    String target = uri(addresses).toString();
    ManagedChannelBuilder<?> builder =
        Grpc.newChannelBuilder(target, credentials(settings))
            .defaultLoadBalancingPolicy("round_robin")
            .disableRetry() // Calls has them: gRPC's own give up after a few attempts
            .userAgent("asktell-java/" + Client.VERSION)
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            // A shorter time gets ENHANCE_YOUR_CALM from a server.
            .keepAliveTime(30, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS);
    if (!settings.token().isEmpty()) {
      // Headers also go over plain connections, as call credentials may not: a mesh ends TLS before
      // the server.
      Metadata headers = new Metadata();
      headers.put(
          Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
          "Bearer " + settings.token());
      builder.intercept(MetadataUtils.newAttachHeadersInterceptor(headers));
    }
    return builder.build();
  }

  private static URI uri(String addresses) {
    try {
      return new URI(SCHEME, "", "/" + addresses, null);
    } catch (java.net.URISyntaxException unreachable) {
      throw new IllegalArgumentException(unreachable); // addresses have been checked
    }
  }

  private static ChannelCredentials credentials(Settings settings) {
    if (!settings.tls()) {
      return InsecureChannelCredentials.create();
    }
    TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
    if (settings.certificates() != null) {
      try {
        tls.trustManager(settings.certificates().toFile());
      } catch (IOException | IllegalArgumentException unreadable) {
        throw new IllegalArgumentException(
            "certificates to trust: " + settings.certificates() + ": " + unreadable.getMessage(),
            unreadable);
      }
    }
    return tls.build();
  }

  /** Knows targets such as asktell:///a:50051,b:50051. */
  private static final class Provider extends NameResolverProvider {
    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
      if (!SCHEME.equals(target.getScheme())) {
        return null;
      }
      return new Resolver(Address.parseAll(target.getPath().substring(1)), args);
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 4; // below dns, which stays the default of other programs' channels
    }

    @Override
    public String getDefaultScheme() {
      return SCHEME;
    }
  }

  /** Looks all hosts up, and again whenever a connection is lost. */
  private static final class Resolver extends NameResolver {
    private final List<Address> addresses;
    private final Executor lookups;
    private Listener2 listener;

    Resolver(List<Address> addresses, Args args) {
      this.addresses = addresses;
      this.lookups = args.getOffloadExecutor();
    }

    /**
     * The name of calls. Each address is checked against its own certificate, see {@link #group}.
     */
    @Override
    public String getServiceAuthority() {
      return addresses.get(0).host();
    }

    @Override
    public void start(Listener2 newListener) {
      listener = newListener;
      refresh();
    }

    @Override
    public void refresh() {
      lookups.execute(() -> listener.onResult(look()));
    }

    @Override
    public void shutdown() {}

    private ResolutionResult look() {
      List<EquivalentAddressGroup> found = new ArrayList<>();
      UnknownHostException failure = null;
      for (Address address : addresses) {
        try {
          for (InetAddress ip : InetAddress.getAllByName(address.host())) {
            found.add(group(address, ip));
          }
        } catch (UnknownHostException unknown) {
          failure = unknown;
        }
      }
      ResolutionResult.Builder result = ResolutionResult.newBuilder();
      if (!found.isEmpty()) { // one host that cannot be found is no worse than one that is down
        return result.setAddressesOrError(StatusOr.fromValue(found)).build();
      }
      Status status = Status.UNAVAILABLE.withDescription("no such host: " + addresses);
      return result.setAddressesOrError(StatusOr.fromStatus(status.withCause(failure))).build();
    }

    private static EquivalentAddressGroup group(Address address, InetAddress ip) {
      Attributes checked =
          Attributes.newBuilder()
              .set(EquivalentAddressGroup.ATTR_AUTHORITY_OVERRIDE, address.host())
              .build();
      return new EquivalentAddressGroup(new InetSocketAddress(ip, address.port()), checked);
    }
  }
}
