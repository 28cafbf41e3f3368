package asktell

import (
	"context"
	"maps"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

const longestReason = 4096 // characters

// ResultOption says more about metrics: [StandardErrors].
type ResultOption interface {
	addTo(deviations StandardErrors)
}

func (s StandardErrors) addTo(deviations StandardErrors) { maps.Copy(deviations, s) }

// Tell tells the result. Once it returns, the result is on the server's disk; telling it again is harmless.
//
// Errors: [ErrMissingObjective], [ErrUnknownMetric], [ErrNotFinite] (nothing was changed), [ErrResultConflict] (there
// is another result), [ErrIllegalTransition].
func (t *Trial) Tell(ctx context.Context, metrics Metrics, options ...ResultOption) error {
	return t.tell(ctx, pb.TellOutcome_TELL_OUTCOME_SUCCEEDED, metrics, "", options)
}

// Stop tells that the trial ended early, with its last known metrics; without any, the last report counts. An empty
// reason is replaced by the server's, if it was the server that wanted the trial to stop.
func (t *Trial) Stop(ctx context.Context, metrics Metrics, reason string, options ...ResultOption) error {
	if reason == "" {
		reason = t.StopReason()
	}
	return t.tell(ctx, pb.TellOutcome_TELL_OUTCOME_STOPPED, metrics, reason, options)
}

// Fail tells that the trial ended without a result: crashed, diverged. The tracked metrics may be nil.
func (t *Trial) Fail(ctx context.Context, reason string, tracked Metrics) error {
	return t.tell(ctx, pb.TellOutcome_TELL_OUTCOME_FAILED, tracked, reason, nil)
}

// Infeasible tells that the configuration cannot be run at all, for example does not fit in memory. The tracked metrics
// may be nil.
func (t *Trial) Infeasible(ctx context.Context, reason string, tracked Metrics) error {
	return t.tell(ctx, pb.TellOutcome_TELL_OUTCOME_INFEASIBLE, tracked, reason, nil)
}

func (t *Trial) tell(
	ctx context.Context, outcome pb.TellOutcome, metrics Metrics, reason string, options []ResultOption,
) error {
	wire, err := encodeResult(metrics, options)
	if err != nil {
		return err
	}
	request := &pb.TellRequest{
		Name: t.Name(), Outcome: outcome, Metrics: wire, Reason: shortened(reason), RequestId: newRequestID(),
	}
	if t.lease != nil {
		request.LeaseId = t.lease.id
	}
	answer, err := t.session.trials.Tell(ctx, request)
	if err != nil {
		return err
	}
	t.end()
	t.superseded.Store(answer.GetSuperseded())
	return t.take(answer.GetTrial(), nil)
}

// Amend corrects the result of a trial that has ended; the former one stays in [TrialInfo.Amendments]. The metrics
// replace all former ones.
//
// Errors: as of [Trial.Tell]; [ErrIllegalTransition] (it has no result yet), [ErrLimitExceeded].
func (t *Trial) Amend(
	ctx context.Context, outcome Outcome, metrics Metrics, reason string, options ...ResultOption,
) error {
	wire, err := encodeResult(metrics, options)
	if err != nil {
		return err
	}
	wireOutcome, err := encodeOutcome(outcome, "outcome")
	if err != nil {
		return err
	}
	return t.take(t.session.trials.AmendTrial(ctx, &pb.AmendTrialRequest{
		Name: t.Name(), Outcome: wireOutcome, Metrics: wire, Reason: shortened(reason), RequestId: newRequestID(),
	}))
}

func encodeResult(metrics Metrics, options []ResultOption) (map[string]*pb.Metric, error) {
	deviations := StandardErrors{}
	for _, option := range options {
		option.addTo(deviations)
	}
	return encodeMetrics(metrics, deviations)
}

// shortened keeps the text of a long error from being refused with the result it comes with.
func shortened(reason string) string {
	if len(reason) <= longestReason {
		return reason
	}
	if characters := []rune(reason); len(characters) > longestReason {
		return string(characters[:longestReason-1]) + "…"
	}
	return reason
}
