package main

import (
	"errors"

	asktell "github.com/asktell/asktell/clients/go"
	asktellv1 "github.com/asktell/asktell/clients/go/asktell/v1"
	pb "github.com/asktell/asktell/clients/go/internal/conformancepb"
)

// refused marks what the client's constructors and its loader of study files refuse.
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
	info := study.Info()
	return &pb.Result{Kind: &pb.Result_Study{Study: encodeStudy(&info)}}, nil
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
		info := trial.Info()
		wire.Trials = append(wire.Trials, &pb.TrialResult{
			Trial: encodeTrial(&info), ShouldStop: trial.ShouldStop(), LeaseLost: trial.LeaseLost(),
			Superseded: trial.Superseded(),
		})
	}
	return &pb.Result{Kind: &pb.Result_Trials{Trials: wire}}, nil
}

func changesResult(changes []asktell.Change) (*pb.Result, error) {
	wire := &pb.Changes{}
	for _, change := range changes {
		each := &pb.Change{Cursor: change.Cursor}
		switch {
		case change.Study != nil:
			each.Kind = &pb.Change_Study{Study: encodeStudy(change.Study)}
		case change.Trial != nil:
			each.Kind = &pb.Change_Trial{Trial: encodeTrial(change.Trial)}
		case change.Reported != nil:
			each.Kind = &pb.Change_Reported{Reported: &pb.ReportedMeasurement{
				Trial: int64(change.Reported.Trial), Measurement: encodeMeasurement(change.Reported.Measurement),
			}}
		default:
			each.Kind = &pb.Change_DeletedTrial{DeletedTrial: int64(change.DeletedTrial)}
		}
		wire.Changes = append(wire.Changes, each)
	}
	return &pb.Result{Kind: &pb.Result_Changes{Changes: wire}}, nil
}

func suggestionsResult(suggestions *asktell.Suggestions, err error) (*pb.Result, error) {
	if err != nil {
		return nil, err
	}
	wire := &pb.Suggestions{}
	for _, suggestion := range suggestions.Suggestions {
		wire.Suggestions = append(wire.Suggestions, &pb.Suggestion{
			Parameters: encodeParams(suggestion.Params),
			Origin:     asktellv1.Origin(asktellv1.Origin_value["ORIGIN_"+string(suggestion.Origin)]),
		})
	}
	return &pb.Result{Kind: &pb.Result_Suggestions{Suggestions: wire}}, nil
}

func encodeStudy(info *asktell.StudyInfo) *asktellv1.Study {
	counts := info.Counts
	return &asktellv1.Study{
		Name:         info.Name,
		DisplayName:  info.Spec.DisplayName,
		State:        asktellv1.StudyState(asktellv1.StudyState_value["STUDY_STATE_"+string(info.State)]),
		FinishReason: asktellv1.FinishReason(asktellv1.FinishReason_value["FINISH_REASON_"+string(info.FinishReason)]),
		TrialCounts: &asktellv1.TrialCounts{
			Queued: int32(counts.Queued), Running: int32(counts.Running), Succeeded: int32(counts.Succeeded),
			Stopped: int32(counts.Stopped), Failed: int32(counts.Failed), Infeasible: int32(counts.Infeasible),
			Cancelled: int32(counts.Cancelled), Abandoned: int32(counts.Abandoned),
		},
		Labels:       info.Spec.Labels,
		Annotations:  info.Spec.Annotations,
		Replicates:   int32(info.Spec.Replicates),
		MaxStaleness: encodeRule(info.Spec.MaxStaleness),
	}
}

func encodeRule(rule *int) *int32 {
	if rule == nil {
		return nil
	}
	return new(int32(*rule))
}

func encodeTrial(info *asktell.TrialInfo) *asktellv1.Trial {
	wire := &asktellv1.Trial{
		Number:           int64(info.Number),
		State:            encodeState(info.State),
		Parameters:       encodeParams(info.Params),
		Origin:           asktellv1.Origin(asktellv1.Origin_value["ORIGIN_"+string(info.Origin)]),
		Metrics:          encodeMetrics(info.Metrics, info.StandardErrors),
		Reason:           info.Reason,
		Attempt:          int32(info.Attempt),
		WorkerId:         info.WorkerID,
		Labels:           info.Labels,
		Annotations:      info.Annotations,
		ImportKey:        info.ImportKey,
		MeasurementCount: int32(info.MeasurementCount),
	}
	for _, measurement := range info.Measurements {
		wire.Measurements = append(wire.Measurements, encodeMeasurement(measurement))
	}
	for _, amendment := range info.Amendments {
		wire.Amendments = append(wire.Amendments, &asktellv1.Amendment{
			PreviousState: encodeState(amendment.PreviousState), Reason: amendment.Reason,
			PreviousMetrics: encodeMetrics(amendment.PreviousMetrics, nil),
		})
	}
	for _, result := range info.SupersededResults {
		wire.SupersededResults = append(wire.SupersededResults, &asktellv1.SupersededResult{
			State: encodeState(result.State), Metrics: encodeMetrics(result.Metrics, nil),
		})
	}
	return wire
}

func encodeState(state asktell.TrialState) asktellv1.TrialState {
	return asktellv1.TrialState(asktellv1.TrialState_value["TRIAL_STATE_"+string(state)])
}

func encodeMeasurement(measurement asktell.Measurement) *asktellv1.Measurement {
	return &asktellv1.Measurement{
		Step: int64(measurement.Step), Metrics: encodeMetrics(measurement.Metrics, measurement.StandardErrors),
	}
}

func encodeMetrics(metrics asktell.Metrics, errs asktell.StandardErrors) map[string]*asktellv1.Metric {
	wire := make(map[string]*asktellv1.Metric, len(metrics))
	for name, value := range metrics {
		wire[name] = &asktellv1.Metric{Value: value}
		if deviation, ok := errs[name]; ok {
			wire[name].StandardError = &deviation
		}
	}
	return wire
}

// encodeParams panics on a value of another type than the client promises: that is a finding.
func encodeParams(params asktell.Params) map[string]*asktellv1.ParameterValue {
	wire := make(map[string]*asktellv1.ParameterValue, len(params))
	for name, value := range params {
		switch value := value.(type) {
		case float64:
			wire[name] = &asktellv1.ParameterValue{Kind: &asktellv1.ParameterValue_DoubleValue{DoubleValue: value}}
		case int64:
			wire[name] = &asktellv1.ParameterValue{Kind: &asktellv1.ParameterValue_IntValue{IntValue: value}}
		case bool:
			wire[name] = &asktellv1.ParameterValue{Kind: &asktellv1.ParameterValue_BoolValue{BoolValue: value}}
		default:
			text := &asktellv1.ParameterValue_StringValue{StringValue: value.(string)}
			wire[name] = &asktellv1.ParameterValue{Kind: text}
		}
	}
	return wire
}
