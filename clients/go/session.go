package asktell

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

const (
	releaseTimeout = 3 * time.Second // a program that ends should end
	closeTimeout   = 10 * time.Second
)

// session is what a client and all its handles share: the channel, the heartbeats and the open leases.
type session struct {
	settings    *settings
	conn        *grpc.ClientConn
	studies     pb.StudyServiceClient
	trials      pb.TrialServiceClient
	suggestions pb.SuggestionServiceClient
	analysis    pb.AnalysisServiceClient

	beating     context.Context // ends the heartbeats
	stopBeating context.CancelFunc
	beats       sync.WaitGroup

	mu     sync.Mutex
	open   map[*lease]struct{}
	closed bool
}

func newSession(s *settings) (*session, error) {
	conn, err := dial(s)
	if err != nil {
		return nil, err
	}
	beating, stop := context.WithCancel(context.Background())
	return &session{
		settings:    s,
		conn:        conn,
		studies:     pb.NewStudyServiceClient(conn),
		trials:      pb.NewTrialServiceClient(conn),
		suggestions: pb.NewSuggestionServiceClient(conn),
		analysis:    pb.NewAnalysisServiceClient(conn),
		beating:     beating,
		stopBeating: stop,
		open:        make(map[*lease]struct{}),
	}, nil
}

// hold keeps a lease alive from now on, until it is closed or lost.
func (s *session) hold(l *lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return // an Ask that was answered while the client was being closed: the lease runs out by itself
	}
	s.open[l] = struct{}{}
	if l.duration > 0 {
		s.beats.Go(func() { l.keepAlive(s.trials, s.settings.logger) })
	}
}

func (s *session) drop(l *lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, l)
}

// close gives back the open trials whose leases would run out otherwise; those of endless leases belong to a person or
// a slow lab, who tell them with another client.
func (s *session) close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	var leases []*lease
	for l := range s.open {
		leases = append(leases, l)
	}
	s.mu.Unlock()

	s.stopBeating()
	s.beats.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var failure error
	for _, l := range leases {
		if l.duration > 0 && failure == nil { // one that fails for want of a server says enough about all
			failure = l.release(ctx, s.trials)
		}
		l.close()
	}
	return errors.Join(failure, s.conn.Close())
}
