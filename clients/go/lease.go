package asktell

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

const (
	beatsPerLease = 3
	shortestBeat  = 200 * time.Millisecond
	longestBeat   = 10 * time.Second // how long one heartbeat may take
	failedBeat    = 2 * time.Second  // a failed one is tried again soon, not an interval later
)

// lease is a worker's hold on a trial: closed by a result, lost when the server says so.
type lease struct {
	name, id string
	duration time.Duration // 0 = for ever
	dropped  func(*lease)

	ctx      context.Context // ends with the lease
	cancel   context.CancelFunc
	stopping chan struct{} // closed when the trial should stop

	mu         sync.Mutex
	renewedAt  time.Time
	closed     bool
	lost       bool
	shouldStop bool
	stopReason string
}

// newLease takes the time at which the Ask was sent, so that a slow answer does not lengthen the lease.
func newLease(parent context.Context, trial *pb.Trial, takenAt time.Time, dropped func(*lease)) *lease {
	ctx, cancel := context.WithCancel(parent)
	l := &lease{
		name: trial.GetName(), id: trial.GetLeaseId(), dropped: dropped,
		ctx: ctx, cancel: cancel, stopping: make(chan struct{}), renewedAt: takenAt,
	}
	if expires := trial.GetLeaseExpireTime(); expires != nil {
		// Both are times of the server's one clock: this machine's own may differ.
		l.duration = max(shortestBeat, expires.AsTime().Sub(trial.GetStartTime().AsTime()))
	}
	return l
}

func (l *lease) interval() time.Duration { return max(shortestBeat, l.duration/beatsPerLease) }

// keepAlive sends heartbeats until the lease is closed or lost. Reports renew the lease too and put the next beat off.
func (l *lease) keepAlive(trials pb.TrialServiceClient, logger *slog.Logger) {
	timer := time.NewTimer(l.untilDue())
	defer timer.Stop()
	failing := false
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-timer.C:
		}
		wait := l.untilDue()
		if wait <= 0 {
			err := l.beat(trials)
			if wait = l.untilDue(); err != nil {
				wait = min(l.interval(), failedBeat)
				level := slog.LevelWarn
				if failing {
					level = slog.LevelDebug // an outage is one line, not one for each beat
				}
				logger.Log(l.ctx, level, "asktell: heartbeat failed", "trial", l.name, "error", err)
			}
			failing = err != nil
		}
		timer.Reset(wait)
	}
}

func (l *lease) untilDue() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.renewedAt.Add(l.interval()))
}

// beat is a report without metrics.
func (l *lease) beat(trials pb.TrialServiceClient) error {
	ctx, cancel := context.WithTimeout(l.ctx, min(longestBeat, max(time.Second, l.interval())))
	defer cancel()
	sentAt := time.Now()
	answer, err := trials.Report(ctx, &pb.ReportRequest{Name: l.name, LeaseId: l.id})
	switch {
	case l.ctx.Err() != nil:
		return nil // closed meanwhile
	case errors.Is(err, ErrNotFound):
		l.gone()
		return nil
	case err != nil:
		return err
	}
	l.heard(answer, sentAt)
	return nil
}

// heard takes over what the server said to a report that was sent at sentAt.
func (l *lease) heard(answer *pb.ReportResponse, sentAt time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.renewedAt = sentAt
	l.stopReason = answer.GetStopReason()
	if answer.GetShouldStop() {
		l.stop()
	}
	if !answer.GetLeaseValid() {
		l.lose()
	}
}

// gone is for a trial or study that has been deleted.
func (l *lease) gone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.stop()
		l.lose()
	}
}

func (l *lease) stop() {
	if !l.shouldStop {
		l.shouldStop = true
		close(l.stopping)
	}
}

func (l *lease) lose() {
	l.lost = true
	l.cancel() // there is nothing left to renew
}

// close ends the lease on this side, once.
func (l *lease) close() {
	l.mu.Lock()
	closed := l.closed
	l.closed = true
	l.mu.Unlock()
	if !closed {
		l.cancel()
		l.dropped(l)
	}
}

// release gives the trial back. Somebody else having ended it is no failure.
func (l *lease) release(ctx context.Context, trials pb.TrialServiceClient) error {
	if l.isLost() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, releaseTimeout)
	defer cancel()
	request := &pb.ReleaseTrialRequest{Name: l.name, LeaseId: l.id}
	_, err := trials.ReleaseTrial(ctx, request)
	if errors.Is(err, ErrFailedPrecondition) || errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func (l *lease) isOpen() bool   { return locked(l, func() bool { return !l.closed }) }
func (l *lease) isLost() bool   { return locked(l, func() bool { return l.lost && !l.closed }) }
func (l *lease) wants() bool    { return locked(l, func() bool { return l.shouldStop }) }
func (l *lease) reason() string { return locked(l, func() string { return l.stopReason }) }

func locked[T any](l *lease, read func() T) T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return read()
}
