package asktell

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails" // also registers the types that Details() needs to know
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	errorDomain     = "asktell"
	pushbackTrailer = "grpc-retry-pushback-ms"
)

// For a status without a reason (a proxy's, or gRPC's own) and for reasons newer than this client.
var kindOfCode = map[codes.Code]error{
	codes.InvalidArgument:    ErrInvalidArgument,
	codes.Unimplemented:      ErrNotSupported,
	codes.NotFound:           ErrNotFound,
	codes.AlreadyExists:      ErrAlreadyExists,
	codes.FailedPrecondition: ErrFailedPrecondition,
	codes.Aborted:            ErrAborted,
	codes.ResourceExhausted:  ErrResourceExhausted,
	codes.Unavailable:        ErrUnavailable,
	codes.DeadlineExceeded:   ErrDeadlineExceeded,
	codes.Unauthenticated:    ErrUnauthenticated,
	codes.Internal:           ErrInternal,
}

// fromStatus makes an *Error of what gRPC returned; callers have seen that err is not nil.
func fromStatus(err error, trailer metadata.MD) *Error {
	st := status.Convert(err)
	failure := &Error{Message: st.Message(), Code: st.Code()}
	if failure.Message == "" {
		failure.Message = st.Code().String()
	}
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == errorDomain {
				failure.Reason, failure.Metadata = detail.GetReason(), detail.GetMetadata()
			}
		case *errdetails.RetryInfo:
			failure.RetryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	failure.RetryAfter = max(failure.RetryAfter, pushback(trailer))
	failure.kind = kindOfReason[failure.Reason]
	if failure.kind == nil {
		failure.kind = kindOfCode[failure.Code]
	}
	switch failure.Code {
	case codes.Canceled:
		failure.cause = context.Canceled
	case codes.DeadlineExceeded:
		failure.cause = context.DeadlineExceeded
	}
	return failure
}

func pushback(trailer metadata.MD) time.Duration {
	for _, value := range trailer.Get(pushbackTrailer) {
		if ms, err := strconv.ParseUint(value, 10, 31); err == nil {
			return time.Duration(ms) * time.Millisecond
		}
	}
	return 0
}

// invalid is a complaint of this client's own, in the shape of the server's.
func invalid(field, format string, arguments ...any) *Error {
	return &Error{
		Message:  field + ": " + fmt.Sprintf(format, arguments...),
		Metadata: map[string]string{"field": field},
		Code:     codes.InvalidArgument,
		kind:     ErrInvalidArgument,
	}
}

// retryAfter is the server's hint in an error of any type; 0 = none.
func retryAfter(err error) time.Duration {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure.RetryAfter
	}
	return 0
}

// becauseOf adds the end of the context, if it has ended, to an error.
func becauseOf(ctx context.Context, err error) error {
	if failure, ok := errors.AsType[*Error](err); ok && ctx.Err() != nil {
		failure.cause = ctx.Err()
	}
	return err
}
