package asktell

import (
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// EarlyStopping says when a running trial is told to stop: ShouldStop in the answer to a report, and [Trial.ShouldStop]. The functions
// below make the usual rules; what else a rule may have are fields: Metric, Goal, GraceTrials, IntervalSteps.
type EarlyStopping = pb.EarlyStopping

// AutoStopping stops a trial that has hardly a chance to end better than the best one, by a model of the curves, from the step minSteps on.
func AutoStopping(minSteps int64) *EarlyStopping {
	return &EarlyStopping{Rule: &pb.EarlyStopping_Auto{Auto: &pb.AutoStopping{MinSteps: minSteps}}}
}

// WilcoxonStopping stops a trial that is worse than the best one over the steps that both have reported, by Wilcoxon's signed ranks: for
// folds of a cross-validation and other repetitions.
func WilcoxonStopping() *EarlyStopping {
	return &EarlyStopping{Rule: &pb.EarlyStopping_Wilcoxon{Wilcoxon: &pb.WilcoxonStopping{}}}
}

// MedianStopping stops a trial that is worse than the median of the others at the same step, from the step minSteps on.
func MedianStopping(minSteps int64) *EarlyStopping {
	return &EarlyStopping{Rule: &pb.EarlyStopping_Median{Median: &pb.MedianStopping{MinSteps: minSteps}}}
}

// PercentileStopping stops a trial that is not among the best percent of the others at the same step, from the step minSteps on.
func PercentileStopping(percent float64, minSteps int64) *EarlyStopping {
	rule := &pb.PercentileStopping{Percentile: percent, MinSteps: minSteps}
	return &EarlyStopping{Rule: &pb.EarlyStopping_Percentile{Percentile: rule}}
}

// StoppingAbove stops a trial that reports a value above the bound, from the step minSteps on.
func StoppingAbove(bound float64, minSteps int64) *EarlyStopping {
	rule := &pb.ThresholdStopping{Max: &bound, MinSteps: minSteps}
	return &EarlyStopping{Rule: &pb.EarlyStopping_Threshold{Threshold: rule}}
}

// StoppingBelow stops a trial that reports a value below the bound, from the step minSteps on.
func StoppingBelow(bound float64, minSteps int64) *EarlyStopping {
	rule := &pb.ThresholdStopping{Min: &bound, MinSteps: minSteps}
	return &EarlyStopping{Rule: &pb.EarlyStopping_Threshold{Threshold: rule}}
}

// PatienceStopping stops a trial that has not bettered its own best value by more than minGain for so many steps.
func PatienceStopping(patienceSteps int64, minGain float64) *EarlyStopping {
	rule := &pb.PatienceStopping{PatienceSteps: patienceSteps, MinGain: minGain}
	return &EarlyStopping{Rule: &pb.EarlyStopping_Patience{Patience: rule}}
}

// SuccessiveHalving lets one in three trials go on at each rung (asynchronously, Li et al. 2020). Rungs are at minSteps, 3*minSteps and so
// on; ReductionFactor is a field of the rule.
func SuccessiveHalving(minSteps int64) *EarlyStopping {
	rule := &pb.SuccessiveHalvingStopping{MinSteps: minSteps}
	return &EarlyStopping{Rule: &pb.EarlyStopping_SuccessiveHalving{SuccessiveHalving: rule}}
}

// Hyperband is [SuccessiveHalving] in brackets that begin at later and later rungs (Li et al. 2018), for curves that cross. A trial that
// is not stopped has maxSteps steps.
func Hyperband(minSteps, maxSteps int64) *EarlyStopping {
	rule := &pb.HyperbandStopping{MinSteps: minSteps, MaxSteps: maxSteps}
	return &EarlyStopping{Rule: &pb.EarlyStopping_Hyperband{Hyperband: rule}}
}

// AnyStopping has several rules, of which the first that holds stops a trial.
func AnyStopping(rules ...*EarlyStopping) *EarlyStopping {
	return &EarlyStopping{Rule: &pb.EarlyStopping_Any{Any: &pb.AnyStopping{Rules: rules}}}
}
