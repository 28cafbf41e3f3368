package asktell

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

const (
	defaultLease       = 60 * time.Second
	defaultMaxAttempts = 3
	defaultLevels      = 5
	defaultStartTrials = 5
)

func encodeSpec(spec StudySpec) (*pb.Study, error) {
	e := &encoder{}
	wire := &pb.Study{
		DisplayName:      spec.DisplayName,
		MaxRunningTrials: e.int32(spec.MaxRunning, "study.max_running_trials"),
		Replicates:       e.int32(spec.Replicates, "study.replicates"),
		MaxStaleness:     e.rule(spec.MaxStaleness, "study.max_staleness"),
		Seed:             spec.Seed,
		Labels:           spec.Labels,
		Annotations:      spec.Annotations,
		StoppingRules: &pb.StoppingRules{
			MaxTrials:      e.rule(spec.MaxTrials, "study.stopping_rules.max_trials"),
			TargetValue:    spec.Target,
			PatienceTrials: e.rule(spec.Patience, "study.stopping_rules.patience_trials"),
			Deadline:       encodeTime(spec.Deadline),
		},
		LeasePolicy: &pb.LeasePolicy{
			LeaseDuration: encodeLease(spec.Lease),
			MaxAttempts:   e.int32(spec.MaxAttempts, "study.lease_policy.max_attempts"),
		},
		Algorithm: e.algorithm(spec.Algorithm),
	}
	wire.SearchSpace = keep(e, encodeSpace, spec.Space)
	wire.Objectives = e.objectives(spec.Objectives)
	for i, metric := range spec.Metrics {
		wire.TrackedMetrics = append(wire.TrackedMetrics, &pb.TrackedMetric{
			Metric: metric.Metric, Split: e.split(metric.Split, fmt.Sprintf("study.tracked_metrics[%d].split", i)),
		})
	}
	return wire, e.err
}

// encoder keeps the first mistake, so that a message can be written down as one literal.
type encoder struct{ err error }

func (e *encoder) note(err error) {
	if e.err == nil {
		e.err = err
	}
}

func keep[From, To any](e *encoder, encode func(From) (To, error), value From) To {
	wire, err := encode(value)
	e.note(err)
	return wire
}

func (e *encoder) int32(value int, where string) int32 {
	wire, err := encodeInt32(value, where)
	e.note(err)
	return wire
}

// rule is unset for nil. Numbers that make no sense are for the server to refuse.
func (e *encoder) rule(value *int, where string) *int32 {
	if value == nil {
		return nil
	}
	return new(e.int32(*value, where))
}

func decodeRule(wire *int32) *int {
	if wire == nil {
		return nil
	}
	return new(int(*wire))
}

func (e *encoder) split(split Split, where string) pb.Split {
	wire, err := encodeEnum[pb.Split](split, "SPLIT_", where)
	e.note(err)
	return wire
}

func (e *encoder) objectives(objectives []Objective) []*pb.Objective {
	wire := make([]*pb.Objective, len(objectives))
	for i, objective := range objectives {
		where := fmt.Sprintf("study.objectives[%d]", i)
		goal, err := encodeEnum[pb.Goal](objective.Goal, "GOAL_", where+".goal")
		e.note(err)
		wire[i] = &pb.Objective{
			Metric: objective.Metric, Goal: goal, Split: e.split(objective.Split, where+".split"),
		}
	}
	return wire
}

func (e *encoder) algorithm(algorithm Algorithm) *pb.Algorithm {
	switch algorithm := algorithm.(type) {
	case nil, Auto:
		return &pb.Algorithm{Kind: &pb.Algorithm_Auto{Auto: &pb.AutoAlgorithm{}}}
	case Manual:
		return &pb.Algorithm{Kind: &pb.Algorithm_Manual{Manual: &pb.ManualAlgorithm{}}}
	case Random:
		return &pb.Algorithm{Kind: &pb.Algorithm_Random{Random: &pb.RandomAlgorithm{}}}
	case Sobol:
		return &pb.Algorithm{Kind: &pb.Algorithm_Sobol{Sobol: &pb.SobolAlgorithm{}}}
	case Bayesian:
		return &pb.Algorithm{Kind: &pb.Algorithm_Bayesian{Bayesian: &pb.BayesianAlgorithm{
			StartTrials: e.int32(algorithm.StartTrials, "study.algorithm.bayesian.start_trials"),
		}}}
	case Grid:
		grid := &pb.GridAlgorithm{DefaultLevels: e.int32(algorithm.DefaultLevels, "study.algorithm.grid.default_levels")}
		for name, levels := range algorithm.Levels {
			if grid.Levels == nil {
				grid.Levels = make(map[string]int32, len(algorithm.Levels))
			}
			grid.Levels[name] = e.int32(levels, "study.algorithm.grid.levels["+name+"]")
		}
		return &pb.Algorithm{Kind: &pb.Algorithm_Grid{Grid: grid}}
	default:
		e.note(invalid("study.algorithm", "must be one of this package's algorithms by value, got %T", algorithm))
		return nil
	}
}

func encodeLease(lease time.Duration) *durationpb.Duration {
	switch lease {
	case 0:
		return nil
	case Endless:
		return &durationpb.Duration{}
	default:
		return durationpb.New(lease)
	}
}

// decodeSpec fills the defaults in, so that what a server wrote out equals what a program left out.
func decodeSpec(wire *pb.Study) StudySpec {
	rules, policy := wire.GetStoppingRules(), wire.GetLeasePolicy()
	spec := StudySpec{
		Space:        decodeSpace(wire.GetSearchSpace()),
		Algorithm:    decodeAlgorithm(wire.GetAlgorithm()),
		Deadline:     decodeTime(rules.GetDeadline()),
		Lease:        defaultLease,
		MaxAttempts:  defaultMaxAttempts,
		MaxRunning:   int(wire.GetMaxRunningTrials()),
		Replicates:   max(int(wire.GetReplicates()), 1), // 0: a server that knows of none
		MaxStaleness: decodeRule(wire.MaxStaleness),
		Seed:         wire.Seed,
		DisplayName:  wire.GetDisplayName(),
		Labels:       wire.GetLabels(),
		Annotations:  wire.GetAnnotations(),
	}
	if rules != nil {
		spec.MaxTrials, spec.Patience = decodeRule(rules.MaxTrials), decodeRule(rules.PatienceTrials)
		spec.Target = rules.TargetValue
	}
	if policy.GetMaxAttempts() != 0 {
		spec.MaxAttempts = int(policy.GetMaxAttempts())
	}
	if policy.GetLeaseDuration() != nil {
		if spec.Lease = policy.GetLeaseDuration().AsDuration(); spec.Lease == 0 {
			spec.Lease = Endless
		}
	}
	for _, objective := range wire.GetObjectives() {
		spec.Objectives = append(spec.Objectives, Objective{
			Metric: objective.GetMetric(), Goal: decodeGoal(objective.GetGoal()), Split: decodeSplit(objective.GetSplit()),
		})
	}
	for _, metric := range wire.GetTrackedMetrics() {
		spec.Metrics = append(spec.Metrics, TrackedMetric{
			Metric: metric.GetMetric(), Split: decodeSplit(metric.GetSplit()),
		})
	}
	return spec
}

func decodeAlgorithm(wire *pb.Algorithm) Algorithm {
	switch kind := wire.GetKind().(type) {
	case *pb.Algorithm_Manual:
		return Manual{}
	case *pb.Algorithm_Random:
		return Random{}
	case *pb.Algorithm_Sobol:
		return Sobol{}
	case *pb.Algorithm_Bayesian:
		trials := int(kind.Bayesian.GetStartTrials())
		if trials == 0 {
			trials = defaultStartTrials
		}
		return Bayesian{StartTrials: trials}
	case *pb.Algorithm_Grid:
		grid := Grid{DefaultLevels: int(kind.Grid.GetDefaultLevels()), Levels: make(map[string]int)}
		if grid.DefaultLevels == 0 {
			grid.DefaultLevels = defaultLevels
		}
		for name, levels := range kind.Grid.GetLevels() {
			grid.Levels[name] = int(levels)
		}
		return grid
	default:
		return Auto{}
	}
}

func decodeGoal(wire pb.Goal) Goal {
	switch wire {
	case pb.Goal_GOAL_MINIMIZE:
		return GoalMinimize
	case pb.Goal_GOAL_MAXIMIZE:
		return GoalMaximize
	default:
		return ""
	}
}

func decodeSplit(wire pb.Split) Split {
	switch wire {
	case pb.Split_SPLIT_TRAIN:
		return SplitTrain
	case pb.Split_SPLIT_TEST:
		return SplitTest
	default:
		return SplitValidation
	}
}
