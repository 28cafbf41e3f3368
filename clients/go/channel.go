package asktell

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

const (
	resolverScheme  = "asktell"
	maxMessageBytes = 64 << 20
)

// dial opens a channel; the connection itself is made by the first call.
func dial(s *settings) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if s.tls != nil {
		transport = credentials.NewTLS(s.tls)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin": {}}]}`),
		grpc.WithDisableRetry(), // the interceptor has them: gRPC's own give up after a few attempts
		grpc.WithUnaryInterceptor(retries{settings: s}.intercept),
		grpc.WithUserAgent("asktell-go/" + Version),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:    30 * time.Second, // a shorter one gets ENHANCE_YOUR_CALM from a server
			Timeout: 10 * time.Second,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			// gRPC's longest delay, two minutes, would outlast a server's restart by far.
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
	}
	if s.token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer{token: s.token, secure: s.tls != nil}))
	}
	target := "dns:///" + s.addresses[0]
	if len(s.addresses) > 1 {
		builder := manual.NewBuilderWithScheme(resolverScheme)
		builder.InitialState(resolver.State{Endpoints: endpoints(s.addresses)})
		options = append(options, grpc.WithResolvers(builder))
		// The name is the :authority of calls; each address is checked against its own certificate, see endpoints.
		target = resolverScheme + ":///" + hostOf(s.addresses[0])
	}
	conn, err := grpc.NewClient(target, append(options, s.dialOptions...)...)
	if err != nil {
		return nil, fmt.Errorf("asktell: %w", err)
	}
	return conn, nil
}

func endpoints(addresses []string) []resolver.Endpoint {
	found := make([]resolver.Endpoint, len(addresses))
	for i, address := range addresses {
		found[i].Addresses = []resolver.Address{{Addr: address, ServerName: hostOf(address)}}
	}
	return found
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// bearer sends the token with every call, on plain connections too: servers behind a mesh see no TLS.
type bearer struct {
	token  string
	secure bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.secure }
