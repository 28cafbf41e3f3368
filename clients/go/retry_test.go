package asktell_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	asktell "github.com/asktell/asktell/clients/go"
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

func TestUnavailableIsRetriedWithTheSameRequestID(t *testing.T) {
	t.Parallel()
	s := start(t, &server{tell: func(n int, request *pb.TellRequest) (*pb.TellResponse, error) {
		if n < 3 {
			return nil, refusal(codes.Unavailable, "STORE_UNAVAILABLE", nil, 0)
		}
		return &pb.TellResponse{Trial: &pb.Trial{Name: request.GetName()}}, nil
	}})
	trial, err := open(t, s).Ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := trial.Tell(t.Context(), asktell.Metrics{"loss": 0.1}); err != nil {
		t.Fatal(err)
	}
	calls := s.seen("Tell")
	if len(calls) != 3 {
		t.Fatalf("%d calls, want 3", len(calls))
	}
	for _, each := range calls {
		if each.requestID == "" || each.requestID != calls[0].requestID {
			t.Errorf("request id %q, want that of the first call, %q", each.requestID, calls[0].requestID)
		}
	}
}

func TestLostRacesAreRetried(t *testing.T) {
	t.Parallel()
	s := start(t, &server{getStudy: func(int, *pb.GetStudyRequest) (*pb.Study, error) {
		return nil, refusal(codes.Aborted, "CONTENTION", nil, time.Millisecond)
	}})
	_, err := connect(t, s, asktell.WithTimeout(3*time.Second)).Study(t.Context(), "s")
	if !errors.Is(err, asktell.ErrContention) || !errors.Is(err, asktell.ErrAborted) {
		t.Errorf("got %v, want contention", err)
	}
	if calls := len(s.seen("GetStudy")); calls < 3 {
		t.Errorf("%d calls, want several", calls)
	}
}

func TestNothingElseIsRetried(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{codes.ResourceExhausted, codes.Internal, codes.Aborted, codes.Unknown} {
		s := start(t, &server{getStudy: func(int, *pb.GetStudyRequest) (*pb.Study, error) {
			return nil, status.Error(code, "no")
		}})
		if _, err := connect(t, s).Study(t.Context(), "s"); err == nil || len(s.seen("GetStudy")) != 1 {
			t.Errorf("%v: %v after %d calls, want an error after one", code, err, len(s.seen("GetStudy")))
		}
	}
}

func TestTheServersDelayIsObeyed(t *testing.T) {
	t.Parallel()
	const delay = 400 * time.Millisecond
	s := start(t, &server{getStudy: func(n int, request *pb.GetStudyRequest) (*pb.Study, error) {
		if n == 1 {
			return nil, refusal(codes.Unavailable, "SERVER_DRAINING", nil, delay)
		}
		return &pb.Study{Name: request.GetName()}, nil
	}})
	if _, err := connect(t, s).Study(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	calls := s.seen("GetStudy")
	if gap := calls[1].at.Sub(calls[0].at); gap < delay {
		t.Errorf("came back after %v, want %v at least", gap, delay)
	}
}

func TestARestartWithinTheDeadlineCostsNoFailedCall(t *testing.T) {
	t.Parallel()
	s := start(t, &server{})
	client := connect(t, s)
	failed := make(chan error)
	go func() {
		defer close(failed)
		for range 40 {
			if _, err := client.Study(t.Context(), "s"); err != nil {
				failed <- err
			}
		}
	}()
	s.restart(t, func() { <-time.After(300 * time.Millisecond) }) // how long it is away
	for err := range failed {
		t.Error(err)
	}
}

func TestNoServerIsUnavailable(t *testing.T) {
	t.Parallel()
	client := connect(t, &server{address: deadAddress(t)}, asktell.WithTimeout(300*time.Millisecond))
	_, err := client.Study(t.Context(), "s")
	if !errors.Is(err, asktell.ErrUnavailable) || errors.Is(err, asktell.ErrDeadlineExceeded) {
		t.Errorf("got %v, want that it is unavailable", err)
	}
}

func TestASlowServerExceedsTheDeadline(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := start(t, &server{getStudy: func(int, *pb.GetStudyRequest) (*pb.Study, error) {
		<-release
		return &pb.Study{}, nil
	}})
	defer close(release)
	_, err := connect(t, s, asktell.WithTimeout(2*time.Second)).Study(t.Context(), "s")
	if !errors.Is(err, asktell.ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that the deadline is exceeded", err)
	}
}

func TestAContextEndsACall(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	s := start(t, &server{getStudy: func(int, *pb.GetStudyRequest) (*pb.Study, error) {
		close(entered)
		<-release
		return &pb.Study{}, nil
	}})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	if _, err := connect(t, s).Study(ctx, "s"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestSeveralAddressesTakeTurnsAndADeadOneDoesNoHarm(t *testing.T) {
	t.Parallel()
	one, two := start(t, &server{}), start(t, &server{})
	all := one.address + "," + deadAddress(t) + ", " + two.address
	client := connect(t, one, asktell.WithAddress(all))
	callUntilBothAreAsked(t, client, one, two)
}

// callUntilBothAreAsked makes calls, none of which may fail. The first ones go to whichever connection is ready first.
func callUntilBothAreAsked(t *testing.T, client *asktell.Client, one, two *server) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if _, err := client.Study(t.Context(), "s"); err != nil {
			t.Fatal(err)
		}
		if len(one.seen("GetStudy")) > 0 && len(two.seen("GetStudy")) > 0 {
			return
		}
	}
	t.Errorf("%d and %d calls, want some at both", len(one.seen("GetStudy")), len(two.seen("GetStudy")))
}

func TestAClosedClientSaysSo(t *testing.T) {
	t.Parallel()
	client := connect(t, start(t, &server{}))
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Study(t.Context(), "s"); !errors.Is(err, asktell.ErrClientClosed) {
		t.Errorf("got %v, want that the client is closed", err)
	}
	if err := client.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

// deadAddress is one at which nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
