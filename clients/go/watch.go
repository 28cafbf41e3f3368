package asktell

import (
	"context"
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Watch yields the study's changes as they happen, in order, across restarts of servers: nothing is missed and nothing
// comes twice. It ends when the loop does, or with an error: the context's, or [ErrStudyNotFound] when the study is
// deleted.
//
// The cursor is that of the last change seen, or that of [Study.Record] for what comes after that reading; "" = from the
// study's beginning.
func (s *Study) Watch(ctx context.Context, cursor string) iter.Seq2[*Change, error] {
	return func(yield func(*Change, error) bool) {
		// A call with a deadline first: a stream would wait for ever for a server that is not there at all.
		if _, err := s.session.studies.GetStudy(ctx, &pb.GetStudyRequest{Name: s.Name()}); err != nil {
			yield(nil, err)
			return
		}
		w := &watch{session: s.session, study: s.Name(), cursor: cursor}
		for {
			more, err := w.follow(ctx, yield)
			if !more {
				return
			}
			if failure := w.ended(ctx, err); failure != nil {
				yield(nil, failure)
				return
			}
			if !sleepWithin(ctx, w.delays.next(retryAfter(err))) {
				yield(nil, becauseOf(ctx, err))
				return
			}
		}
	}
}

// watch is a stream of changes that is opened again where it broke off.
type watch struct {
	session *session
	study   string
	cursor  string
	delays  backoffDelays
}

// follow reads one stream to its end. It reports false when the consumer has had enough.
func (w *watch) follow(ctx context.Context, yield func(*Change, error) bool) (bool, error) {
	ctx, cancel := context.WithCancel(ctx) // or a loop that is left would leave the stream open
	defer cancel()
	stream, err := w.session.trials.WatchStudy(
		ctx, &pb.WatchStudyRequest{Study: w.study, Cursor: w.cursor}, grpc.WaitForReady(true))
	if err != nil {
		return true, fromStatus(err, nil)
	}
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return true, &Error{Message: "the server ended the watch", Code: codes.Unavailable, kind: ErrUnavailable}
		}
		if err != nil {
			return true, fromStatus(err, stream.Trailer())
		}
		w.delays = backoffDelays{}
		w.cursor = answer.GetCursor()
		if !yield(answer, nil) {
			return false, nil
		}
	}
}

// ended is the error with which the watch as a whole ends; nil when the stream should simply be opened again.
func (w *watch) ended(ctx context.Context, err error) error {
	failure, ok := errors.AsType[*Error](err)
	switch {
	case ctx.Err() != nil:
		return becauseOf(ctx, err)
	case ok && w.session.conn.GetState() == connectivity.Shutdown:
		failure.kind, failure.cause = ErrClientClosed, nil
		return failure
	case ok && (failure.Code == codes.Canceled || errors.Is(failure, ErrUnavailable)):
		return nil // the server or something on the way to it went down
	default:
		return err
	}
}

// TrialNumber is the number at the end of a trial's full name; 0 when it is none. Changes name trials so.
func TrialNumber(name string) int64 {
	number, _ := strconv.ParseInt(name[strings.LastIndex(name, "/")+1:], 10, 64)
	return number
}
