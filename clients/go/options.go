package asktell

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
)

// Option changes how a [Client] is set up. Options come before environment variables, and those before defaults.
type Option func(*settings)

type settings struct {
	addresses   []string
	project     string
	workerID    string
	token       string
	tls         *tls.Config // nil = plain text
	timeout     time.Duration
	askTimeout  time.Duration
	logger      *slog.Logger
	dialOptions []grpc.DialOption
	err         error // the first mistake in the options
}

func (s *settings) note(err error) {
	if s.err == nil {
		s.err = err
	}
}

// WithAddress says where the servers are: "host:port", or several with commas between, among which calls take turns.
// Default: ASKTELL_ADDRESS, then localhost:50051.
func WithAddress(address string) Option {
	return func(s *settings) {
		var err error
		s.addresses, err = parseAddresses(address)
		s.note(err)
	}
}

// WithToken sends a bearer token with every call. Default: ASKTELL_TOKEN.
func WithToken(token string) Option { return func(s *settings) { s.token = token } }

// WithTLS encrypts; a nil configuration trusts the system's certificates. Default: plain text, unless ASKTELL_TLS_CA
// names a file of certificates to trust.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) {
		if s.tls = config.Clone(); config == nil {
			s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		}
	}
}

// WithCACertificates encrypts, and trusts the certificates of a PEM file instead of the system's.
func WithCACertificates(file string) Option {
	return func(s *settings) {
		pem, err := os.ReadFile(file)
		roots := x509.NewCertPool()
		if err != nil {
			s.note(fmt.Errorf("asktell: certificates to trust: %w", err))
		} else if !roots.AppendCertsFromPEM(pem) {
			s.note(fmt.Errorf("asktell: %s holds no PEM certificate", file))
		}
		s.tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	}
}

// WithProject sets the namespace of studies that are named by their id alone. Default: "default".
func WithProject(project string) Option { return func(s *settings) { s.project = project } }

// WithWorkerID names this worker; the name is kept with each trial it asks for. Default: host name and process id.
func WithWorkerID(id string) Option { return func(s *settings) { s.workerID = id } }

// WithTimeout limits how long a call may take, retries included. Default: 30 s. A context may end it sooner.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.timeout = s.positive("WithTimeout", timeout) }
}

// WithAskTimeout is WithTimeout for Ask, Suggest and what a model is asked of a study, which may fit a model before they answer. Default: 60 s. How long
// [Study.Ask] waits for a trial to become available is up to its context alone.
func WithAskTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.askTimeout = s.positive("WithAskTimeout", timeout) }
}

func (s *settings) positive(option string, timeout time.Duration) time.Duration {
	if timeout <= 0 {
		s.note(fmt.Errorf("asktell: %s must be greater than 0, got %v", option, timeout))
	}
	return timeout
}

// WithLogger says where warnings go: failing heartbeats, doubtful studies. Default: [slog.Default].
func WithLogger(logger *slog.Logger) Option {
	return func(s *settings) {
		if s.logger = logger; logger == nil {
			s.note(errors.New("asktell: WithLogger(nil)"))
		}
	}
}

// WithDialOptions hands further options to gRPC, for example a stats handler of OpenTelemetry's.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.dialOptions = append(s.dialOptions, options...) }
}

// parent is the project of studies that are named by their id alone.
func (s *settings) parent() string { return "projects/" + s.project }

func newSettings(options []Option) (*settings, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	s := &settings{
		project:    "default",
		workerID:   fmt.Sprintf("%s:%d", host, os.Getpid()),
		token:      os.Getenv("ASKTELL_TOKEN"),
		timeout:    30 * time.Second,
		askTimeout: 60 * time.Second,
		logger:     slog.Default(),
	}
	for _, option := range options {
		option(s)
	}
	if s.err != nil {
		return nil, s.err
	}
	// The environment is only looked at where no option decides: a broken variable must not spoil a good argument.
	if s.addresses == nil {
		if s.addresses, err = parseAddresses(os.Getenv("ASKTELL_ADDRESS")); err != nil {
			return nil, fmt.Errorf("ASKTELL_ADDRESS: %w", err)
		}
	}
	if file := os.Getenv("ASKTELL_TLS_CA"); file != "" && s.tls == nil {
		if WithCACertificates(file)(s); s.err != nil {
			return nil, fmt.Errorf("ASKTELL_TLS_CA: %w", s.err)
		}
	}
	return s, nil
}

func parseAddresses(text string) ([]string, error) {
	var addresses []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			address, err := parseAddress(part)
			if err != nil {
				return nil, err
			}
			addresses = append(addresses, address)
		}
	}
	if addresses == nil {
		return []string{"localhost:50051"}, nil
	}
	return addresses, nil
}

func parseAddress(text string) (string, error) {
	if strings.Contains(text, "/") {
		return "", fmt.Errorf("asktell: an address is host:port, got %q (a path or scheme; WithTLS switches TLS on)", text)
	}
	if !strings.Contains(text, ":") || strings.HasSuffix(text, "]") {
		text += ":50051"
	}
	host, port, err := net.SplitHostPort(text)
	if number, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || number == 0 || host == "" {
		return "", fmt.Errorf("asktell: an address is host:port, with IPv6 as in [::1]:50051; got %q", text)
	}
	return net.JoinHostPort(host, port), nil
}
