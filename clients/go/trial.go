package asktell

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Trial is one configuration and what became of it. One that came from [Study.Ask] is open: it heartbeats until it is
// told, released or closed.
type Trial struct {
	session    *session
	lease      *lease // nil unless this client asked for the trial
	leaseID    string
	info       atomic.Pointer[TrialInfo]
	superseded atomic.Bool
}

func newTrial(s *session, wire *pb.Trial, held *lease) *Trial {
	trial := &Trial{session: s, lease: held, leaseID: wire.GetLeaseId()}
	trial.info.Store(decodeTrial(wire))
	if held != nil {
		// A handle that nobody holds any more must not keep its trial from the other workers for ever.
		runtime.AddCleanup(trial, (*lease).close, held)
	}
	return trial
}

func newTrials(s *session, wires []*pb.Trial) []*Trial {
	trials := make([]*Trial, len(wires))
	for i, wire := range wires {
		trials[i] = newTrial(s, wire, nil)
	}
	return trials
}

func trialName(study string, number int) string { return fmt.Sprintf("%s/trials/%d", study, number) }

// Name is "projects/{project}/studies/{study}/trials/{number}".
func (t *Trial) Name() string { return t.info.Load().Name }

// Number counts from 1 in its study.
func (t *Trial) Number() int { return t.info.Load().Number }

// Params is the configuration. The map is shared: do not change it.
func (t *Trial) Params() Params { return t.info.Load().Params }

// Info is the trial as of the last call that answered with it; [Trial.Refresh] reads it anew.
func (t *Trial) Info() TrialInfo { return *t.info.Load() }

// String is the trial's name and state.
func (t *Trial) String() string { return t.Name() + " " + string(t.info.Load().State) }

// IsOpen reports whether this client asked for the trial, and has neither told it nor given it back.
func (t *Trial) IsOpen() bool { return t.lease != nil && t.lease.isOpen() }

// ShouldStop reports whether the server wants the trial to end now, as of the last report or heartbeat: tell it with
// [Trial.Stop].
func (t *Trial) ShouldStop() bool {
	should, _ := t.stopState()
	return should
}

// StopReason says why it should stop, for people.
func (t *Trial) StopReason() string {
	_, reason := t.stopState()
	return reason
}

func (t *Trial) stopState() (bool, string) {
	if t.lease == nil {
		return false, ""
	}
	return t.lease.stopState()
}

// Stopping is closed when the trial should stop; nil, which blocks for ever, for one that this client did not ask for.
func (t *Trial) Stopping() <-chan struct{} {
	if t.lease == nil {
		return nil
	}
	return t.lease.stopping
}

// LeaseLost reports whether the open trial's lease ran out or the trial was called off. A result that is told
// nevertheless is still taken if it is the first.
func (t *Trial) LeaseLost() bool { return t.lease != nil && t.lease.isLost() }

// Superseded reports whether another attempt's result was there before the one told here, which is kept in the trail.
func (t *Trial) Superseded() bool { return t.superseded.Load() }

// Progress is the server's answer to a report.
type Progress struct {
	// ShouldStop: end the trial now, and tell it with [Trial.Stop], or not at all when LeaseValid is false.
	ShouldStop bool
	// StopReason says why, for people.
	StopReason string
	// LeaseValid: the trial is still this worker's. When false the metrics were not taken.
	LeaseValid bool
}

// Report tells intermediate metrics at a step and renews the lease. Without metrics it is a heartbeat.
//
// Errors: [ErrNotFinite], [ErrUnknownMetric], [ErrLimitExceeded]. A lost lease is none: see [Progress].
func (t *Trial) Report(ctx context.Context, step int, metrics Metrics, options ...ResultOption) (Progress, error) {
	wire, err := encodeResult(metrics, options)
	if err != nil {
		return Progress{}, err
	}
	request := &pb.ReportRequest{Name: t.Name(), LeaseId: t.leaseID, Step: int64(step), Metrics: wire}
	if len(wire) > 0 {
		request.RequestId = newRequestID()
	}
	sentAt := time.Now()
	answer, err := t.session.trials.Report(ctx, request)
	if err != nil {
		return Progress{}, err
	}
	if t.lease != nil {
		t.lease.heard(answer, sentAt)
	}
	return Progress{
		ShouldStop: answer.GetShouldStop(), StopReason: answer.GetStopReason(), LeaseValid: answer.GetLeaseValid(),
	}, nil
}

// Release gives the trial back at once: the next asker gets it, and this attempt does not count.
//
// Errors: [ErrLeaseLost], [ErrIllegalTransition].
func (t *Trial) Release(ctx context.Context) error {
	err := t.take(t.session.trials.ReleaseTrial(ctx, &pb.ReleaseTrialRequest{
		Name: t.Name(), LeaseId: t.leaseID, RequestId: newRequestID(),
	}))
	if err == nil {
		t.end()
	}
	return err
}

// Close gives the trial back if it is still open, and is there to be deferred. It needs no context, takes a few seconds
// at most, and returns an error when no server answered: the lease then runs out by itself. Closing again, or a trial
// that has been told, does nothing.
func (t *Trial) Close() error {
	if !t.IsOpen() {
		return nil
	}
	defer t.end()
	return t.lease.release(context.Background(), t.session.trials)
}

// Cancel calls a queued or running trial off; its worker is told to stop. Errors: [ErrIllegalTransition].
func (t *Trial) Cancel(ctx context.Context, reason string) error {
	err := t.take(t.session.trials.CancelTrial(ctx, &pb.CancelTrialRequest{
		Name: t.Name(), Reason: shortened(reason), RequestId: newRequestID(),
	}))
	if err == nil {
		t.end()
	}
	return err
}

// Label sets labels; others stay.
func (t *Trial) Label(ctx context.Context, labels map[string]string) error {
	return t.set(ctx, "labels", &pb.Trial{Name: t.Name(), Labels: labels}, labels)
}

// Annotate sets annotations; others stay.
func (t *Trial) Annotate(ctx context.Context, annotations map[string]string) error {
	return t.set(ctx, "annotations", &pb.Trial{Name: t.Name(), Annotations: annotations}, annotations)
}

func (t *Trial) set(ctx context.Context, field string, wire *pb.Trial, values map[string]string) error {
	mask := &fieldmaskpb.FieldMask{}
	for key := range values {
		mask.Paths = append(mask.Paths, field+"."+key)
	}
	return t.take(t.session.trials.UpdateTrial(ctx, &pb.UpdateTrialRequest{
		Trial: wire, UpdateMask: mask, RequestId: newRequestID(),
	}))
}

// Refresh reads the trial anew, with its measurements.
func (t *Trial) Refresh(ctx context.Context) error {
	return t.take(t.session.trials.GetTrial(ctx, &pb.GetTrialRequest{Name: t.Name()}))
}

// Delete removes the trial. Errors: [ErrIllegalTransition] (it is running; cancel it first).
func (t *Trial) Delete(ctx context.Context) error {
	_, err := t.session.trials.DeleteTrial(ctx, &pb.DeleteTrialRequest{Name: t.Name(), RequestId: newRequestID()})
	return err
}

func (t *Trial) take(wire *pb.Trial, err error) error {
	if err == nil {
		t.info.Store(decodeTrial(wire))
	}
	return err
}

func (t *Trial) end() {
	if t.lease != nil {
		t.lease.close()
	}
}
