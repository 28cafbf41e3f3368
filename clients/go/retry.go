package asktell

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

const (
	firstDelay      = 100 * time.Millisecond
	longestDelay    = 5 * time.Second
	contentionTries = 8
)

// retries gives every unary call its deadline and makes it again where that is safe, always with the same request and
// so with the same request id: on UNAVAILABLE and on lost races (CONTENTION: nothing was changed), on nothing else.
type retries struct {
	settings *settings
}

func (r retries) timeout(method string) time.Duration {
	switch method {
	case pb.TrialService_Ask_FullMethodName, pb.SuggestionService_Suggest_FullMethodName,
		pb.AnalysisService_GetImportances_FullMethodName, pb.AnalysisService_PredictOutcomes_FullMethodName,
		pb.AnalysisService_GetSlice_FullMethodName, pb.AnalysisService_CrossValidate_FullMethodName,
		pb.AnalysisService_GetTradeOffs_FullMethodName, pb.AnalysisService_GetHealth_FullMethodName:
		return r.settings.askTimeout
	default:
		return r.settings.timeout
	}
}

func (r retries) intercept(
	parent context.Context, method string, request, reply any,
	conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	identify(request)
	ctx, cancel := context.WithTimeout(parent, r.timeout(method))
	defer cancel()
	var delays backoffDelays
	for tries := 1; ; tries++ {
		var trailer metadata.MD
		err := invoke(ctx, method, request, reply, conn,
			slices.Concat(options, []grpc.CallOption{grpc.WaitForReady(true), grpc.Trailer(&trailer)})...)
		if err == nil {
			return nil
		}
		failure := fromStatus(err, trailer)
		again := errors.Is(failure, ErrUnavailable) || errors.Is(failure, ErrContention) && tries < contentionTries
		if !again || !sleepWithin(ctx, delays.next(failure.RetryAfter)) {
			return r.explain(parent, conn, failure)
		}
	}
}

// identify gives a request the id by which the server knows a retry from a new one, if it has such a field and the caller
// set none. A heartbeat changes nothing that could be done twice.
func identify(request any) {
	if report, ok := request.(*pb.ReportRequest); ok && len(report.GetMetrics()) == 0 {
		return
	}
	message := request.(proto.Message).ProtoReflect()
	if field := message.Descriptor().Fields().ByName("request_id"); field != nil && !message.Has(field) {
		message.Set(field, protoreflect.ValueOfString(rand.Text()))
	}
}

// explain tells a server that cannot be reached from one that is slow, and a closed client from a cancelled call.
func (r retries) explain(parent context.Context, conn *grpc.ClientConn, failure *Error) error {
	state := conn.GetState()
	switch {
	case parent.Err() != nil:
		failure.cause = parent.Err()
	case state == connectivity.Shutdown:
		failure.kind, failure.cause = ErrClientClosed, nil
	case failure.Code == codes.DeadlineExceeded && failure.Reason == "" &&
		state != connectivity.Ready && state != connectivity.Idle:
		return &Error{
			Message: fmt.Sprintf("no server answers at %s: is asktell-server running there? (%s)",
				strings.Join(r.settings.addresses, ","), failure.Message),
			Code:  codes.Unavailable,
			kind:  ErrUnavailable,
			cause: failure.cause,
		}
	}
	return failure
}

// backoffDelays are jittered and exponential, so that the clients of a restarted server do not come back in step.
type backoffDelays struct {
	last time.Duration
}

// next is never less than the server's hint.
func (b *backoffDelays) next(hint time.Duration) time.Duration {
	b.last = min(longestDelay, max(firstDelay, 2*b.last))
	return max(jitter(b.last, 0.5, 1.0), jitter(hint, 1.0, 1.1))
}

func jitter(delay time.Duration, low, high float64) time.Duration {
	return time.Duration(float64(delay) * (low + (high-low)*mathrand.Float64()))
}

// sleepWithin waits, or reports false, at once, when the context ends before the delay does.
func sleepWithin(ctx context.Context, delay time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay {
		return false
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
