package asktell

import (
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Records are the messages of the contract (package asktell/v1), under shorter names for the usual ones: whatever field
// a server knows can be set and read. Records that a handle returns are shared: do not change them.
type (
	// StudyRecord is a study: what [Client.CreateStudy] takes, and what [Study.Record] returns.
	StudyRecord = pb.Study
	// StoppingRules say when a study ends. They are pointers because 0 is a mistake, which is better refused than taken
	// for "no limit".
	StoppingRules = pb.StoppingRules
	// LeasePolicy says what happens to trials of workers that die. A duration of 0 = leases never end.
	LeasePolicy = pb.LeasePolicy
	// Objective is a metric to optimise: see [Minimize] and [Maximize].
	Objective = pb.Objective
	// OutcomeConstraint is a bound on a metric that good trials keep: see [AtMost] and [AtLeast].
	OutcomeConstraint = pb.OutcomeConstraint
	// TrackedMetric is a metric that trials may log and that is never optimised.
	TrackedMetric = pb.TrackedMetric
	// TrialRecord is a trial: what [Trial.Record] returns.
	TrialRecord = pb.Trial
	// TrialFilter says which trials to list; all its conditions hold together.
	TrialFilter = pb.TrialFilter
	// QueuedTrial is a configuration of one's own to run; parameters with a default may be left out.
	QueuedTrial = pb.EnqueuedTrial
	// ImportedTrial is a past result to bring in; its key is the caller's own, and unique in the study.
	ImportedTrial = pb.ImportedTrial
	// AskRequest is what [AskWith] may change.
	AskRequest = pb.AskRequest
	// SuggestRequest is what [Client.Suggest] is asked.
	SuggestRequest = pb.SuggestRequest
	// SuggestResponse is what it answers.
	SuggestResponse = pb.SuggestResponse
	// SliceRequest is what [Study.Slice] is asked: Parameters, and optionally Reference, Resolution and Metric.
	SliceRequest = pb.GetSliceRequest
	// Change is one change of a study, as [Study.Watch] yields it.
	Change = pb.WatchStudyResponse
	// Progress is the answer to a report: ShouldStop (end the trial now, and tell it with [Trial.Stop], or not at all when
	// LeaseValid is false), StopReason, and LeaseValid (the trial is still this worker's; when false the metrics were not
	// taken).
	Progress = pb.ReportResponse
	// Outcome is how a trial ended.
	Outcome = pb.TellOutcome
)

// The outcomes of a trial.
const (
	Succeeded  = pb.TellOutcome_TELL_OUTCOME_SUCCEEDED
	Stopped    = pb.TellOutcome_TELL_OUTCOME_STOPPED
	Failed     = pb.TellOutcome_TELL_OUTCOME_FAILED
	Infeasible = pb.TellOutcome_TELL_OUTCOME_INFEASIBLE
)

// Minimize is an objective of which less is better, on validation data.
func Minimize(metric string) *Objective {
	return &Objective{Metric: metric, Goal: pb.Goal_GOAL_MINIMIZE, Split: pb.Split_SPLIT_VALIDATION}
}

// Maximize is an objective of which more is better, on validation data.
func Maximize(metric string) *Objective {
	return &Objective{Metric: metric, Goal: pb.Goal_GOAL_MAXIMIZE, Split: pb.Split_SPLIT_VALIDATION}
}

// WithReference gives an objective the worst value still of interest beside other objectives, from which the hypervolume is
// measured.
func WithReference(objective *Objective, worst float64) *Objective {
	objective.ReferenceValue = &worst
	return objective
}

// AtMost is an outcome constraint: the metric of a good trial is at most the bound.
func AtMost(metric string, bound float64) *OutcomeConstraint {
	return &OutcomeConstraint{Metric: metric, Bound: &pb.OutcomeConstraint_Max{Max: bound}}
}

// AtLeast is an outcome constraint: the metric of a good trial is at least the bound.
func AtLeast(metric string, bound float64) *OutcomeConstraint {
	return &OutcomeConstraint{Metric: metric, Bound: &pb.OutcomeConstraint_Min{Min: bound}}
}

// OfBaseline makes a bound relative: it is that many times the value of the study's baseline trial, which is the first imported
// one or the one that BaselineTrial names.
func OfBaseline(constraint *OutcomeConstraint) *OutcomeConstraint {
	constraint.OfBaseline = true
	return constraint
}

// Auto lets the server choose: a few space-filling trials, then Bayesian optimisation. It is the default.
func Auto() *pb.Algorithm { return &pb.Algorithm{Kind: &pb.Algorithm_Auto{Auto: &pb.AutoAlgorithm{}}} }

// Manual runs only configurations that a person enqueues.
func Manual() *pb.Algorithm {
	return &pb.Algorithm{Kind: &pb.Algorithm_Manual{Manual: &pb.ManualAlgorithm{}}}
}

// Grid runs every point of a grid; the levels are numbers of points by parameter name and may be nil.
func Grid(levels map[string]int32) *pb.Algorithm {
	return &pb.Algorithm{Kind: &pb.Algorithm_Grid{Grid: &pb.GridAlgorithm{Levels: levels}}}
}

// Random draws independently and uniformly, after the scale is applied.
func Random() *pb.Algorithm {
	return &pb.Algorithm{Kind: &pb.Algorithm_Random{Random: &pb.RandomAlgorithm{}}}
}

// Sobol draws a scrambled Sobol sequence: random search without clumps.
func Sobol() *pb.Algorithm {
	return &pb.Algorithm{Kind: &pb.Algorithm_Sobol{Sobol: &pb.SobolAlgorithm{}}}
}

// Bayesian uses a Gaussian process and log expected improvement after so many space-filling trials; 0 = 5.
func Bayesian(startTrials int32) *pb.Algorithm {
	return &pb.Algorithm{Kind: &pb.Algorithm_Bayesian{Bayesian: &pb.BayesianAlgorithm{StartTrials: startTrials}}}
}
