package main

import (
	"strings"

	asktell "github.com/asktell/asktell/clients/go"
	asktellv1 "github.com/asktell/asktell/clients/go/asktell/v1"
)

// The runner speaks of studies and values in messages of the contract; here they become the client's own.

func decodeValue(wire *asktellv1.ParameterValue) any {
	switch kind := wire.GetKind().(type) {
	case *asktellv1.ParameterValue_DoubleValue:
		return kind.DoubleValue
	case *asktellv1.ParameterValue_IntValue:
		return kind.IntValue
	case *asktellv1.ParameterValue_StringValue:
		return kind.StringValue
	case *asktellv1.ParameterValue_BoolValue:
		return kind.BoolValue
	default:
		return nil
	}
}

func decodeParams(wire map[string]*asktellv1.ParameterValue) asktell.Params {
	params := asktell.Params{}
	for name, value := range wire {
		params[name] = decodeValue(value)
	}
	return params
}

func decodeMetrics(wire map[string]*asktellv1.Metric) (asktell.Metrics, asktell.StandardErrors) {
	metrics, errs := asktell.Metrics{}, asktell.StandardErrors{}
	for name, metric := range wire {
		metrics[name] = metric.GetValue()
		if metric.StandardError != nil {
			errs[name] = metric.GetStandardError()
		}
	}
	return metrics, errs
}

// named is a wire enum's value as the client writes it; empty for the zero value.
func named(wire interface{ String() string }, prefix string) string {
	name := strings.TrimPrefix(wire.String(), prefix)
	if name == "UNSPECIFIED" {
		return ""
	}
	return name
}

func decodeOutcome(wire asktellv1.TellOutcome) asktell.Outcome {
	return asktell.Outcome(named(wire, "TELL_OUTCOME_"))
}

func decodeState(wire asktellv1.TrialState) asktell.TrialState {
	return asktell.TrialState(named(wire, "TRIAL_STATE_"))
}

func decodeSplit(wire asktellv1.Split) asktell.Split {
	return asktell.Split(strings.ToLower(named(wire, "SPLIT_")))
}

func decodeSpec(wire *asktellv1.Study) asktell.StudySpec {
	rules, lease := wire.GetStoppingRules(), wire.GetLeasePolicy()
	spec := asktell.StudySpec{
		Space:       decodeSpace(wire.GetSearchSpace()),
		Objectives:  decodeObjectives(wire.GetObjectives()),
		Algorithm:   decodeAlgorithm(wire.GetAlgorithm()),
		MaxAttempts: int(lease.GetMaxAttempts()),
		MaxRunning:  int(wire.GetMaxRunningTrials()),
		Replicates:  int(wire.GetReplicates()),
		DisplayName: wire.GetDisplayName(),
		Labels:      wire.GetLabels(),
		Annotations: wire.GetAnnotations(),
	}
	if wire != nil {
		spec.Seed, spec.MaxStaleness = wire.Seed, decodeRule(wire.MaxStaleness)
	}
	if rules != nil {
		spec.MaxTrials, spec.Patience = decodeRule(rules.MaxTrials), decodeRule(rules.PatienceTrials)
		spec.Target = rules.TargetValue
	}
	if deadline := rules.GetDeadline(); deadline != nil {
		spec.Deadline = deadline.AsTime()
	}
	if duration := lease.GetLeaseDuration(); duration != nil {
		if spec.Lease = duration.AsDuration(); spec.Lease == 0 {
			spec.Lease = asktell.Endless
		}
	}
	for _, metric := range wire.GetTrackedMetrics() {
		spec.Metrics = append(spec.Metrics, asktell.TrackedMetric{
			Metric: metric.GetMetric(), Split: decodeSplit(metric.GetSplit()),
		})
	}
	return spec
}

func decodeRule(wire *int32) *int {
	if wire == nil {
		return nil
	}
	return new(int(*wire))
}

func decodeObjectives(wire []*asktellv1.Objective) []asktell.Objective {
	var objectives []asktell.Objective
	for _, objective := range wire {
		objectives = append(objectives, asktell.Objective{
			Metric: objective.GetMetric(),
			Goal:   asktell.Goal(strings.ToLower(named(objective.GetGoal(), "GOAL_"))),
			Split:  decodeSplit(objective.GetSplit()),
		})
	}
	return objectives
}

func decodeAlgorithm(wire *asktellv1.Algorithm) asktell.Algorithm {
	switch kind := wire.GetKind().(type) {
	case *asktellv1.Algorithm_Manual:
		return asktell.Manual{}
	case *asktellv1.Algorithm_Random:
		return asktell.Random{}
	case *asktellv1.Algorithm_Sobol:
		return asktell.Sobol{}
	case *asktellv1.Algorithm_Bayesian:
		return asktell.Bayesian{StartTrials: int(kind.Bayesian.GetStartTrials())}
	case *asktellv1.Algorithm_Grid:
		levels := map[string]int{}
		for name, count := range kind.Grid.GetLevels() {
			levels[name] = int(count)
		}
		return asktell.Grid{DefaultLevels: int(kind.Grid.GetDefaultLevels()), Levels: levels}
	default:
		return asktell.Auto{}
	}
}

func decodeSpace(wire *asktellv1.SearchSpace) asktell.Space {
	var space asktell.Space
	for _, parameter := range wire.GetParameters() {
		space = append(space, decodeParameter(parameter))
	}
	return space
}

func decodeParameter(wire *asktellv1.Parameter) asktell.Parameter {
	name, standard := wire.GetName(), wire.GetDefaultValue()
	switch domain := wire.GetDomain().(type) {
	case *asktellv1.Parameter_FloatDomain:
		float := domain.FloatDomain
		return asktell.Float{
			Name: name, Min: float.GetMin(), Max: float.GetMax(), Scale: decodeScale(float.GetScale()),
			Step: float.Step, Default: decodeDefault[float64](standard),
		}
	case *asktellv1.Parameter_IntDomain:
		whole := domain.IntDomain
		return asktell.Int{
			Name: name, Min: whole.GetMin(), Max: whole.GetMax(), Scale: decodeScale(whole.GetScale()),
			Step: whole.Step, Default: decodeDefault[int64](standard),
		}
	case *asktellv1.Parameter_DiscreteDomain:
		values := domain.DiscreteDomain.GetValues()
		if whole, ok := decodeNumbers[int64](values); ok {
			return asktell.Discrete[int64]{Name: name, Values: whole, Default: decodeDefault[int64](standard)}
		}
		real, _ := decodeNumbers[float64](values)
		return asktell.Discrete[float64]{Name: name, Values: real, Default: decodeDefault[float64](standard)}
	case *asktellv1.Parameter_CategoricalDomain:
		values := domain.CategoricalDomain.GetValues()
		return asktell.Categorical{Name: name, Values: values, Default: decodeDefault[string](standard)}
	default:
		return asktell.Bool{Name: name, Default: decodeDefault[bool](standard)}
	}
}

func decodeScale(wire asktellv1.Scale) asktell.Scale {
	switch wire {
	case asktellv1.Scale_SCALE_LOG:
		return asktell.Log
	case asktellv1.Scale_SCALE_REVERSE_LOG:
		return asktell.ReverseLog
	default:
		return asktell.Linear
	}
}

func decodeDefault[T any](wire *asktellv1.ParameterValue) *T {
	if value, ok := decodeValue(wire).(T); ok {
		return &value
	}
	return nil
}

func decodeNumbers[Number int64 | float64](wire []*asktellv1.ParameterValue) ([]Number, bool) {
	var numbers []Number
	for _, value := range wire {
		if number, ok := decodeValue(value).(Number); ok {
			numbers = append(numbers, number)
		}
	}
	return numbers, len(numbers) == len(wire)
}

func decodeQueued(wire []*asktellv1.EnqueuedTrial) []asktell.QueuedTrial {
	var trials []asktell.QueuedTrial
	for _, trial := range wire {
		trials = append(trials, asktell.QueuedTrial{
			Params: decodeParams(trial.GetParameters()), Labels: trial.GetLabels(), Annotations: trial.GetAnnotations(),
		})
	}
	return trials
}

func decodeImported(wire []*asktellv1.ImportedTrial) []asktell.ImportedTrial {
	var trials []asktell.ImportedTrial
	for _, trial := range wire {
		metrics, errs := decodeMetrics(trial.GetMetrics())
		trials = append(trials, asktell.ImportedTrial{
			Key: trial.GetImportKey(), Params: decodeParams(trial.GetParameters()),
			Outcome: decodeOutcome(trial.GetOutcome()), Metrics: metrics, StandardErrors: errs,
			Reason: trial.GetReason(), Labels: trial.GetLabels(), Annotations: trial.GetAnnotations(),
		})
	}
	return trials
}

func decodeProblem(wire *asktellv1.SuggestRequest) asktell.Problem {
	problem := asktell.Problem{
		Space:      decodeSpace(wire.GetProblem().GetSearchSpace()),
		Objectives: decodeObjectives(wire.GetProblem().GetObjectives()),
		Algorithm:  decodeAlgorithm(wire.GetProblem().GetAlgorithm()),
		Replicates: int(wire.GetProblem().GetReplicates()),
		Count:      int(wire.GetCount()),
		Seed:       wire.GetSeed(),
		WarmStart:  wire.GetWarmStart(),
	}
	for _, observation := range wire.GetObservations() {
		metrics, errs := decodeMetrics(observation.GetMetrics())
		problem.Observations = append(problem.Observations, asktell.Observation{
			Params:  decodeParams(observation.GetParameters()),
			Outcome: asktell.Outcome(decodeState(observation.GetState())),
			Metrics: metrics, StandardErrors: errs,
		})
	}
	for _, pending := range wire.GetPending() {
		problem.Pending = append(problem.Pending, decodeParams(pending.GetParameters()))
	}
	return problem
}
