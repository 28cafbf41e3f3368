package asktell

import (
	"context"
	"fmt"
	"time"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// QueuedTrial is a configuration of one's own to run.
type QueuedTrial struct {
	// Params are a value for each parameter; those with a default may be left out.
	Params              Params
	Labels, Annotations map[string]string
}

// Enqueue queues configurations; they are handed out before the algorithm's.
//
// Errors: [ErrValueOutsideSpace], [ErrStudyComplete].
func (s *Study) Enqueue(ctx context.Context, trials ...QueuedTrial) ([]*Trial, error) {
	request := &pb.EnqueueTrialsRequest{Study: s.Name(), RequestId: newRequestID()}
	for i, trial := range trials {
		params, err := encodeParams(trial.Params, fmt.Sprintf("trials[%d]", i))
		if err != nil {
			return nil, err
		}
		request.Trials = append(request.Trials, &pb.EnqueuedTrial{
			Parameters: params, Labels: trial.Labels, Annotations: trial.Annotations,
		})
	}
	answer, err := s.session.trials.EnqueueTrials(ctx, request)
	if err != nil {
		return nil, err
	}
	return newTrials(s.session, answer.GetTrials()), nil
}

// ImportedTrial is a past result to bring in.
type ImportedTrial struct {
	// Key is the caller's own, unique in the study: importing it again changes nothing.
	Key    string
	Params Params
	// Outcome: empty = [Succeeded].
	Outcome               Outcome
	Metrics               Metrics
	StandardErrors        StandardErrors
	Reason                string
	StartTime, FinishTime time.Time
	Labels, Annotations   map[string]string
}

// Import brings in past results. It returns a trial for each of them, those that were there before as they stand, and
// how many are new.
func (s *Study) Import(ctx context.Context, trials ...ImportedTrial) (imported []*Trial, added int, err error) {
	request := &pb.ImportTrialsRequest{Study: s.Name(), RequestId: newRequestID()}
	for i, trial := range trials {
		wire, err := encodeImported(trial, fmt.Sprintf("trials[%d]", i))
		if err != nil {
			return nil, 0, err
		}
		request.Trials = append(request.Trials, wire)
	}
	answer, err := s.session.trials.ImportTrials(ctx, request)
	if err != nil {
		return nil, 0, err
	}
	return newTrials(s.session, answer.GetTrials()), int(answer.GetImportedCount()), nil
}

func encodeImported(trial ImportedTrial, where string) (*pb.ImportedTrial, error) {
	params, err := encodeParams(trial.Params, where)
	if err != nil {
		return nil, err
	}
	metrics, err := encodeMetrics(trial.Metrics, trial.StandardErrors)
	if err != nil {
		return nil, err
	}
	outcome, err := encodeOutcome(trial.Outcome, where+".outcome")
	if err != nil {
		return nil, err
	}
	return &pb.ImportedTrial{
		ImportKey: trial.Key, Parameters: params, Outcome: outcome, Metrics: metrics, Reason: trial.Reason,
		StartTime: encodeTime(trial.StartTime), FinishTime: encodeTime(trial.FinishTime),
		Labels: trial.Labels, Annotations: trial.Annotations,
	}, nil
}

func encodeOutcome(outcome Outcome, where string) (pb.TellOutcome, error) {
	return encodeEnum[pb.TellOutcome](outcome, "TELL_OUTCOME_", where)
}
