package asktell

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// StudyState is where a study stands.
type StudyState string

// The states of a study.
const (
	StudyActive   StudyState = "ACTIVE"
	StudyPaused   StudyState = "PAUSED"
	StudyFinished StudyState = "FINISHED"
)

// FinishReason is why a study is finished; empty while it is not.
type FinishReason string

// The reasons for which a study is finished.
const (
	FinishedByRequest    FinishReason = "REQUESTED"
	FinishedByMaxTrials  FinishReason = "MAX_TRIALS"
	FinishedByTarget     FinishReason = "TARGET"
	FinishedByPatience   FinishReason = "PATIENCE"
	FinishedByDeadline   FinishReason = "DEADLINE"
	FinishedByExhaustion FinishReason = "EXHAUSTED"
)

// TrialState is where a trial stands: QUEUED → RUNNING → one of the others.
type TrialState string

// The states of a trial.
const (
	TrialQueued     TrialState = "QUEUED"
	TrialRunning    TrialState = "RUNNING"
	TrialSucceeded  TrialState = "SUCCEEDED"
	TrialStopped    TrialState = "STOPPED"
	TrialFailed     TrialState = "FAILED"
	TrialInfeasible TrialState = "INFEASIBLE"
	TrialCancelled  TrialState = "CANCELLED"
	TrialAbandoned  TrialState = "ABANDONED"
)

// HasEnded reports whether no worker can work on the trial any more.
func (s TrialState) HasEnded() bool {
	return s != "" && s != TrialQueued && s != TrialRunning
}

// Outcome is how a trial ended, as it is told.
type Outcome string

// The outcomes of a trial.
const (
	Succeeded  Outcome = "SUCCEEDED"
	Stopped    Outcome = "STOPPED"
	Failed     Outcome = "FAILED"
	Infeasible Outcome = "INFEASIBLE"
)

// Origin is where a configuration came from.
type Origin string

// The origins of a configuration.
const (
	OriginStart    Origin = "START"    // the space-filling start of Bayesian optimisation
	OriginModel    Origin = "MODEL"    // the model's acquisition function
	OriginFallback Origin = "FALLBACK" // space-filling, because the model failed
	OriginPerson   Origin = "PERSON"   // a person enqueued it
	OriginImport   Origin = "IMPORT"   // it was imported with its result
	OriginSampler  Origin = "SAMPLER"  // a sampler without a model: grid, random, Sobol
)

// Goal says whether less or more of an objective is better.
type Goal string

// The goals of an objective.
const (
	GoalMinimize Goal = "minimize"
	GoalMaximize Goal = "maximize"
)

// Split is the part of the data on which a metric is measured. The zero value means validation.
type Split string

// The splits of the data.
const (
	SplitValidation Split = "validation"
	SplitTrain      Split = "train"
	SplitTest       Split = "test"
)

// wireEnum is a generated enum.
type wireEnum interface {
	~int32
	protoreflect.Enum
}

// encodeEnum finds the wire's value of a name; empty and "the zero value" are the same.
func encodeEnum[W wireEnum, E ~string](value E, prefix, where string) (W, error) {
	if value == "" {
		return 0, nil
	}
	var zero W
	found := zero.Descriptor().Values().ByName(protoreflect.Name(prefix + strings.ToUpper(string(value))))
	if found == nil {
		return 0, invalid(where, "there is no %q", string(value))
	}
	return W(found.Number()), nil
}

// decodeEnum is empty for the zero value and for values newer than this client.
func decodeEnum[E ~string, W wireEnum](value W, prefix string) E {
	found := value.Descriptor().Values().ByNumber(protoreflect.EnumNumber(value))
	if found == nil || value == 0 {
		return ""
	}
	return E(strings.TrimPrefix(string(found.Name()), prefix))
}
