package asktell

import (
	"time"
)

// StudySpec is what a study is created with. Zero values mean the server's defaults.
type StudySpec struct {
	// Space is what may be varied.
	Space Space
	// Objectives are what is optimised: exactly one for now.
	Objectives []Objective
	// Metrics are further metrics that trials log; never optimised.
	Metrics []TrackedMetric
	// Algorithm is how configurations are found; nil = [Auto].
	Algorithm Algorithm

	// MaxTrials is the budget, at least 1: the study ends when so many trials have ended; nil = no limit. Rules are
	// pointers because 0 is a mistake, which is better refused than taken for "no limit".
	MaxTrials *int
	// Target ends the study when the objective reaches it.
	Target *float64
	// Patience, at least 1, ends the study when so many trials in a row did not better the best one.
	Patience *int
	// Deadline ends the study at this time.
	Deadline time.Time

	// Lease is how long a trial stays with a worker that is not heard of; 0 = the default of 60 s, [Endless] = for ever.
	Lease time.Duration
	// MaxAttempts is how many times a trial is started before it is given up; 0 = the default of 3.
	MaxAttempts int
	// MaxRunning is the most trials that run at once; 0 = no limit.
	MaxRunning int
	// Replicates is how many times each configuration may be tried, for results that differ from run to run; 0 = once.
	Replicates int
	// MaxStaleness is the most trials that may end between the making of a suggestion and its start; 0 = every suggestion
	// knows all results, nil = 0 with fewer than 6 trials running, above that by how unexpected results are.
	MaxStaleness *int
	// Seed is of everything random in the study; nil = the server draws one.
	Seed *int64

	// DisplayName is a title for people.
	DisplayName string
	// Labels are short and can be filtered by.
	Labels map[string]string
	// Annotations are free values, up to 64 KiB in all.
	Annotations map[string]string
}

// Endless is the lease of trials that stay with their worker for ever: people and slow labs.
const Endless time.Duration = -1

// Objective is a metric to optimise. One on the test split is refused: it would be worthless as a test.
type Objective struct {
	Metric string
	Goal   Goal
	Split  Split
}

// Minimize is an objective of which less is better, on validation data.
func Minimize(metric string) Objective {
	return Objective{Metric: metric, Goal: GoalMinimize, Split: SplitValidation}
}

// Maximize is an objective of which more is better, on validation data.
func Maximize(metric string) Objective {
	return Objective{Metric: metric, Goal: GoalMaximize, Split: SplitValidation}
}

// TrackedMetric is a metric that trials may log and that is never optimised.
type TrackedMetric struct {
	Metric string
	Split  Split
}

// Algorithm is how configurations are found: one of [Auto], [Manual], [Grid], [Random], [Sobol] and [Bayesian].
type Algorithm interface {
	algorithm()
}

// Auto lets the server choose: a few space-filling trials, then Bayesian optimisation.
type Auto struct{}

// Manual runs only configurations that a person enqueues.
type Manual struct{}

// Grid runs every point of a grid, once (or Replicates times).
type Grid struct {
	// DefaultLevels is the number of points of each parameter without levels of its own; 0 = 5.
	DefaultLevels int
	// Levels are numbers of points by parameter name, 2 to 1,000.
	Levels map[string]int
}

// Random draws independently and uniformly, after the scale is applied.
type Random struct{}

// Sobol draws a scrambled Sobol sequence: random search without clumps.
type Sobol struct{}

// Bayesian uses a Gaussian process and log expected improvement.
type Bayesian struct {
	// StartTrials is the number of space-filling trials before the model takes over; 0 = 5.
	StartTrials int
}

func (Auto) algorithm()     {}
func (Manual) algorithm()   {}
func (Grid) algorithm()     {}
func (Random) algorithm()   {}
func (Sobol) algorithm()    {}
func (Bayesian) algorithm() {}
