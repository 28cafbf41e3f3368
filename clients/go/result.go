package asktell

import (
	"context"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

const longestReason = 4096 // characters

// Tell tells the result. Once it returns, the result is on the server's disk; telling it again is harmless.
//
// Errors: [ErrMissingObjective], [ErrUnknownMetric], [ErrNotFinite] (nothing was changed), [ErrResultConflict] (there
// is another result), [ErrIllegalTransition].
func (t *Trial) Tell(ctx context.Context, metrics Metrics, deviations ...StandardErrors) error {
	return t.tell(ctx, pb.TellOutcome_TELL_OUTCOME_SUCCEEDED, metrics, "", deviations)
}

// Stop tells that the trial ended early, with its last known metrics; without any, the last report counts. An empty
// reason is replaced by the server's, if it was the server that wanted the trial to stop.
func (t *Trial) Stop(ctx context.Context, metrics Metrics, reason string, deviations ...StandardErrors) error {
	if reason == "" {
		reason = t.StopReason()
	}
	return t.tell(ctx, pb.TellOutcome_TELL_OUTCOME_STOPPED, metrics, reason, deviations)
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
	ctx context.Context, outcome pb.TellOutcome, metrics Metrics, reason string, deviations []StandardErrors,
) error {
	wire, err := metrics.Records(deviations...)
	if err != nil {
		return err
	}
	request := &pb.TellRequest{
		Name: t.Name(), LeaseId: t.lease.id, Outcome: outcome, Metrics: wire, Reason: shortened(reason),
	}
	answer, err := t.session.trials.Tell(ctx, request)
	if err != nil {
		return err
	}
	t.superseded.Store(answer.GetSuperseded())
	return t.ended(answer.GetTrial(), nil)
}

// Amend corrects the result of a trial that has ended; the former one stays in its record. The metrics
// replace all former ones.
//
// Errors: as of [Trial.Tell]; [ErrIllegalTransition] (it has no result yet), [ErrLimitExceeded].
func (t *Trial) Amend(
	ctx context.Context, outcome Outcome, metrics Metrics, reason string, deviations ...StandardErrors,
) error {
	wire, err := metrics.Records(deviations...)
	if err != nil {
		return err
	}
	return t.take(t.session.trials.AmendTrial(ctx, &pb.AmendTrialRequest{
		Name: t.Name(), Outcome: outcome, Metrics: wire, Reason: shortened(reason),
	}))
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
