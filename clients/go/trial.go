package asktell

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Trial is one configuration and what became of it. One that came from [Study.Ask] is open: it heartbeats until it is
// told, released or closed.
type Trial struct {
	session    *session
	lease      *lease // closed from the beginning unless this client asked for the trial
	leaseID    string
	record     atomic.Pointer[pb.Trial]
	superseded atomic.Bool
}

func newTrial(s *session, wire *pb.Trial, own *lease) *Trial {
	if own == nil {
		own = &lease{closed: true}
	}
	trial := &Trial{session: s, lease: own, leaseID: wire.GetLeaseId()}
	trial.record.Store(wire)
	// A handle that is no longer in use must not keep its trial from the other workers for ever.
	runtime.AddCleanup(trial, (*lease).close, own)
	return trial
}

func newTrials(s *session, wires []*pb.Trial) []*Trial {
	trials := make([]*Trial, len(wires))
	for i, wire := range wires {
		trials[i] = newTrial(s, wire, nil)
	}
	return trials
}

// Name is "projects/{project}/studies/{study}/trials/{number}".
func (t *Trial) Name() string { return t.Record().GetName() }

// Number counts from 1 in its study.
func (t *Trial) Number() int { return int(t.Record().GetNumber()) }

// Params is the configuration, with its derived parameters. The map may be shared: do not change it.
func (t *Trial) Params() Params { return ParamsOf(t.Record()) }

// Metrics are the values of the final metrics, or of the last known ones of a stopped trial.
func (t *Trial) Metrics() Metrics { return ValuesOf(t.Record().GetMetrics()) }

// Record is the trial as of the last call that answered with it; [Trial.Refresh] reads it anew.
func (t *Trial) Record() *TrialRecord { return t.record.Load() }

// String is the trial's name and state, its configuration and its metrics.
func (t *Trial) String() string { return showTrial(t.Record()) }

// IsOpen reports whether this client asked for the trial, and has neither told it nor given it back.
func (t *Trial) IsOpen() bool { return t.lease.isOpen() }

// ShouldStop reports whether the server wants the trial to end now, as of the last report or heartbeat: tell it with
// [Trial.Stop].
func (t *Trial) ShouldStop() bool { return t.lease.wants() }

// StopReason says why it should stop, for people.
func (t *Trial) StopReason() string { return t.lease.reason() }

// Stopping is closed when the trial should stop; nil, which blocks for ever, for one that this client did not ask for.
func (t *Trial) Stopping() <-chan struct{} { return t.lease.stopping }

// LeaseLost reports whether the open trial's lease ran out or the trial was called off. A result that is told
// nevertheless is still taken if it is the first.
func (t *Trial) LeaseLost() bool { return t.lease.isLost() }

// Superseded reports whether another attempt's result was there before the one told here, which is kept in the trail.
func (t *Trial) Superseded() bool { return t.superseded.Load() }

// Report tells intermediate metrics at a step and renews the lease. Without metrics it is a heartbeat.
//
// Errors: [ErrNotFinite], [ErrUnknownMetric], [ErrLimitExceeded]. A lost lease is none: see [Progress].
func (t *Trial) Report(ctx context.Context, step int, metrics Metrics, deviations ...StandardErrors) (*Progress, error) {
	wire, err := metrics.Records(deviations...)
	if err != nil {
		return nil, err
	}
	request := &pb.ReportRequest{Name: t.Name(), LeaseId: t.leaseID, Step: int64(step), Metrics: wire}
	sentAt := time.Now()
	answer, err := t.session.trials.Report(ctx, request)
	if err != nil {
		return nil, err
	}
	t.lease.heard(answer, sentAt)
	return answer, nil
}

// Release gives the trial back at once: the next asker gets it, and this attempt does not count.
//
// Errors: [ErrLeaseLost], [ErrIllegalTransition].
func (t *Trial) Release(ctx context.Context) error {
	return t.ended(t.session.trials.ReleaseTrial(ctx, &pb.ReleaseTrialRequest{Name: t.Name(), LeaseId: t.leaseID}))
}

// Close gives the trial back if it is still open, and is there to be deferred. It needs no context, takes a few seconds
// at most, and returns an error when no server answered: the lease then runs out by itself. Closing again, or a trial
// that has been told, does nothing.
func (t *Trial) Close() error {
	if !t.IsOpen() {
		return nil
	}
	defer t.lease.close()
	return t.lease.release(context.Background(), t.session.trials)
}

// Cancel calls a queued or running trial off; its worker is told to stop. Errors: [ErrIllegalTransition].
func (t *Trial) Cancel(ctx context.Context, reason string) error {
	return t.ended(t.session.trials.CancelTrial(ctx, &pb.CancelTrialRequest{Name: t.Name(), Reason: shortened(reason)}))
}

// Update changes the trial's labels or annotations to those of the given record: "labels" and "annotations" replace all
// of them, a path such as "labels.stage" sets one.
func (t *Trial) Update(ctx context.Context, changes *TrialRecord, paths ...string) error {
	trial := proto.CloneOf(changes)
	trial.Name = t.Name()
	mask := &fieldmaskpb.FieldMask{Paths: paths}
	return t.take(t.session.trials.UpdateTrial(ctx, &pb.UpdateTrialRequest{Trial: trial, UpdateMask: mask}))
}

// Refresh reads the trial anew, with its measurements.
func (t *Trial) Refresh(ctx context.Context) error {
	return t.take(t.session.trials.GetTrial(ctx, &pb.GetTrialRequest{Name: t.Name()}))
}

// Delete removes the trial. Errors: [ErrIllegalTransition] (it is running; cancel it first).
func (t *Trial) Delete(ctx context.Context) error {
	_, err := t.session.trials.DeleteTrial(ctx, &pb.DeleteTrialRequest{Name: t.Name()})
	return err
}

func (t *Trial) take(wire *pb.Trial, err error) error {
	if err == nil {
		t.record.Store(wire)
	}
	return err
}

// ended takes the answer to a call that ends this worker's part in the trial.
func (t *Trial) ended(record *pb.Trial, err error) error {
	if err == nil {
		t.lease.close()
	}
	return t.take(record, err)
}
