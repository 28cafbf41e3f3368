package asktell_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	asktell "github.com/asktell/asktell/clients/go"
)

func TestTheEnvironmentIsRead(t *testing.T) {
	s := start(t, &server{})
	t.Setenv("ASKTELL_ADDRESS", s.address)
	t.Setenv("ASKTELL_TOKEN", "secret")
	client, err := asktell.NewClient(asktell.WithProject("p"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	study, err := client.Study(t.Context(), "s")
	if err != nil || study.Name() != "projects/p/studies/s" {
		t.Fatal(study, err)
	}
	if got := s.seen("GetStudy")[0].headers.Get("authorization"); len(got) != 1 || got[0] != "Bearer secret" {
		t.Errorf("authorization %v", got)
	}
}

func TestAddresses(t *testing.T) {
	for address, fits := range map[string]bool{
		"localhost": true, "localhost:1": true, "[::1]:1": true, "[::1]": true, "10.0.0.1:1, b:2": true, "": true,
		"http://localhost": false, "a/b": false, "::1": false, "a:b": false, "a:0": false, "a:70000": false, ":1": false,
	} {
		client, err := asktell.NewClient(asktell.WithAddress(address))
		if (err == nil) != fits {
			t.Errorf("%q: %v", address, err)
		}
		if err == nil {
			_ = client.Close()
		}
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	noPEM := filepath.Join(t.TempDir(), "no.pem")
	if err := os.WriteFile(noPEM, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, option := range map[string]asktell.Option{
		"timeout": asktell.WithTimeout(0), "ask timeout": asktell.WithAskTimeout(-1), "logger": asktell.WithLogger(nil),
		"no file": asktell.WithCACertificates("none.pem"), "no certificate": asktell.WithCACertificates(noPEM),
	} {
		if _, err := asktell.NewClient(option); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestTLSTrustsTheGivenAuthorityOnly(t *testing.T) {
	authority, certificate := certificates(t)
	_, otherFile := mustAuthority(t)
	secure := grpc.Creds(credentials.NewServerTLSFromCert(&certificate))
	one, two := start(t, &server{}, secure), start(t, &server{}, secure)

	t.Setenv("ASKTELL_TLS_CA", authority)
	client := connect(t, one, asktell.WithAddress(one.address+","+two.address), asktell.WithToken("secret"))
	callUntilBothAreAsked(t, client, one, two)
	distrusting := connect(t, one, asktell.WithCACertificates(otherFile), asktell.WithTimeout(2*time.Second))
	if _, err := distrusting.Study(t.Context(), "s"); !errors.Is(err, asktell.ErrUnavailable) ||
		!strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want that the certificate is at fault", err)
	}
}

// certificates are an authority, as a file, and a server's certificate by it.
func certificates(t *testing.T) (authorityFile string, server tls.Certificate) {
	t.Helper()
	authority, file := mustAuthority(t)
	key := mustKey(t)
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, authority.Leaf, key.Public(), authority.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return file, tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: key}
}

func mustAuthority(t *testing.T) (authority tls.Certificate, file string) {
	t.Helper()
	key := mustKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{PrivateKey: key, Leaf: leaf}, file
}

func mustKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
