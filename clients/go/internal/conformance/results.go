package main

import (
	"errors"

	asktell "github.com/asktell/asktell/clients/go"
	asktellv1 "github.com/asktell/asktell/clients/go/asktell/v1"
	pb "github.com/asktell/asktell/clients/go/internal/conformancepb"
)

// refused marks what the client's constructor refuses.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

// The first that fits counts, so special kinds come before those that they are a kind of.
var errorKinds = []struct {
	kind error
	wire pb.ErrorKind
}{
	{asktell.ErrInvalidArgument, pb.ErrorKind_ERROR_KIND_INVALID_ARGUMENT},
	{asktell.ErrNotFound, pb.ErrorKind_ERROR_KIND_NOT_FOUND},
	{asktell.ErrStudyExists, pb.ErrorKind_ERROR_KIND_STUDY_EXISTS},
	{asktell.ErrResultConflict, pb.ErrorKind_ERROR_KIND_RESULT_CONFLICT},
	{asktell.ErrStudyComplete, pb.ErrorKind_ERROR_KIND_STUDY_COMPLETE},
	{asktell.ErrStudyPaused, pb.ErrorKind_ERROR_KIND_STUDY_PAUSED},
	{asktell.ErrQueueEmpty, pb.ErrorKind_ERROR_KIND_QUEUE_EMPTY},
	{asktell.ErrNoTrialAvailable, pb.ErrorKind_ERROR_KIND_NO_TRIAL_AVAILABLE},
	{asktell.ErrLeaseLost, pb.ErrorKind_ERROR_KIND_LEASE_LOST},
	{asktell.ErrIllegalTransition, pb.ErrorKind_ERROR_KIND_ILLEGAL_TRANSITION},
	{asktell.ErrEtagMismatch, pb.ErrorKind_ERROR_KIND_ETAG_MISMATCH},
	{asktell.ErrContention, pb.ErrorKind_ERROR_KIND_CONTENTION},
	{asktell.ErrOverloaded, pb.ErrorKind_ERROR_KIND_OVERLOADED},
	{asktell.ErrLimitExceeded, pb.ErrorKind_ERROR_KIND_LIMIT_EXCEEDED},
	{asktell.ErrNotSupported, pb.ErrorKind_ERROR_KIND_NOT_SUPPORTED},
	{asktell.ErrUnavailable, pb.ErrorKind_ERROR_KIND_UNAVAILABLE},
	{asktell.ErrDeadlineExceeded, pb.ErrorKind_ERROR_KIND_DEADLINE_EXCEEDED},
	{asktell.ErrUnauthenticated, pb.ErrorKind_ERROR_KIND_UNAUTHENTICATED},
	{asktell.ErrInternal, pb.ErrorKind_ERROR_KIND_INTERNAL},
}

// failed is the result of an error of the client's; another error is a bug of this program, and is returned.
func failed(err error) (*pb.Result, error) {
	wire := &pb.Error{Message: err.Error(), Kind: pb.ErrorKind_ERROR_KIND_OTHER}
	if _, ok := errors.AsType[refused](err); ok {
		wire.Kind = pb.ErrorKind_ERROR_KIND_REFUSED_LOCALLY
		return &pb.Result{Kind: &pb.Result_Error{Error: wire}}, nil
	}
	failure, ok := errors.AsType[*asktell.Error](err)
	if !ok {
		return nil, err
	}
	for _, each := range errorKinds {
		if errors.Is(err, each.kind) {
			wire.Kind = each.wire
			break
		}
	}
	wire.Reason, wire.Field, wire.HasRetryAfter = failure.Reason, failure.Field(), failure.RetryAfter > 0
	return &pb.Result{Kind: &pb.Result_Error{Error: wire}}, nil
}

func done(err error) (*pb.Result, error) {
	return &pb.Result{Kind: &pb.Result_Done{Done: &pb.Done{}}}, err
}

func studyResult(study *asktell.Study, err error) (*pb.Result, error) {
	if err != nil {
		return nil, err
	}
	return &pb.Result{Kind: &pb.Result_Study{Study: study.Record()}}, nil
}

func trialResult(trial *asktell.Trial, err error) (*pb.Result, error) {
	return trialResults([]*asktell.Trial{trial}, err)
}

func trialResults(trials []*asktell.Trial, err error) (*pb.Result, error) {
	if err != nil {
		return nil, err
	}
	wire := &pb.Trials{}
	for _, trial := range trials {
		wire.Trials = append(wire.Trials, &pb.TrialResult{
			Trial: trial.Record(), ShouldStop: trial.ShouldStop(), LeaseLost: trial.LeaseLost(),
			Superseded: trial.Superseded(),
		})
	}
	return &pb.Result{Kind: &pb.Result_Trials{Trials: wire}}, nil
}

func changesResult(changes []*asktell.Change) (*pb.Result, error) {
	wire := &pb.Changes{}
	for _, change := range changes {
		each := &pb.Change{Cursor: change.GetCursor()}
		switch kind := change.GetChange().(type) {
		case *asktellv1.WatchStudyResponse_Study:
			each.Kind = &pb.Change_Study{Study: kind.Study}
		case *asktellv1.WatchStudyResponse_Trial:
			each.Kind = &pb.Change_Trial{Trial: kind.Trial}
		case *asktellv1.WatchStudyResponse_Reported:
			each.Kind = &pb.Change_Reported{Reported: &pb.ReportedMeasurement{
				Trial: asktell.TrialNumber(kind.Reported.GetName()), Measurement: kind.Reported.GetMeasurement(),
			}}
		case *asktellv1.WatchStudyResponse_DeletedTrial:
			each.Kind = &pb.Change_DeletedTrial{DeletedTrial: asktell.TrialNumber(kind.DeletedTrial.GetName())}
		}
		wire.Changes = append(wire.Changes, each)
	}
	return &pb.Result{Kind: &pb.Result_Changes{Changes: wire}}, nil
}

func suggestionsResult(answer *asktell.SuggestResponse, err error) (*pb.Result, error) {
	if err != nil {
		return nil, err
	}
	wire := &pb.Suggestions{}
	for _, suggestion := range answer.GetSuggestions() {
		wire.Suggestions = append(wire.Suggestions, &pb.Suggestion{
			Parameters: suggestion.GetParameters(), Origin: suggestion.GetOrigin(),
		})
	}
	return &pb.Result{Kind: &pb.Result_Suggestions{Suggestions: wire}}, nil
}

func analysisResult(items int, err error) (*pb.Result, error) {
	if err != nil {
		return nil, err
	}
	return &pb.Result{Kind: &pb.Result_Analysis{Analysis: &pb.Analysis{Items: int32(items)}}}, nil
}

// split takes metrics of the contract apart into what the client's methods take.
func split(records map[string]*asktellv1.Metric) (asktell.Metrics, asktell.StandardErrors) {
	deviations := asktell.StandardErrors{}
	for name, record := range records {
		if record.StandardError != nil {
			deviations[name] = record.GetStandardError()
		}
	}
	return asktell.ValuesOf(records), deviations
}
