package asktell

import (
	"time"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// StudyInfo is a study as a server told it. Its maps and slices are shared: do not change them.
type StudyInfo struct {
	// Name is "projects/{project}/studies/{study}".
	Name string
	// Spec is what it was created with, as changed since, with the defaults filled in.
	Spec         StudySpec
	State        StudyState
	FinishReason FinishReason
	Counts       TrialCounts
	// Warnings are about what is allowed and usually a mistake.
	Warnings []StudyWarning
	// CreateTime, UpdateTime (of the study itself, not of its trials) and FinishTime; zero = not yet.
	CreateTime, UpdateTime, FinishTime time.Time
	// Etag changes with the specification or state.
	Etag string
	// Cursor is where [Study.Watch] goes on from to see only what comes after this reading.
	Cursor string
	// ConfigurationCount is the number of configurations in the space; nil = infinite, or more than 2^53.
	ConfigurationCount *int64
}

// TrialCounts says how many trials are in which state.
type TrialCounts struct {
	Queued, Running, Succeeded, Stopped, Failed, Infeasible, Cancelled, Abandoned int
}

// Ended counts the trials that no worker can work on any more.
func (c TrialCounts) Ended() int {
	return c.Succeeded + c.Stopped + c.Failed + c.Infeasible + c.Cancelled + c.Abandoned
}

// Total counts all trials.
func (c TrialCounts) Total() int { return c.Queued + c.Running + c.Ended() }

// StudyWarning is something about a study that is allowed and usually a mistake.
type StudyWarning struct {
	// Kind is a name such as "GRID_EXCEEDS_BUDGET".
	Kind string
	// Field is a path from the study.
	Field string
	// Message is a sentence for people.
	Message string
}

func decodeStudy(wire *pb.Study) *StudyInfo {
	counts := wire.GetTrialCounts()
	info := &StudyInfo{
		Name:         wire.GetName(),
		Spec:         decodeSpec(wire),
		State:        decodeEnum[StudyState](wire.GetState(), "STUDY_STATE_"),
		FinishReason: decodeEnum[FinishReason](wire.GetFinishReason(), "FINISH_REASON_"),
		Counts: TrialCounts{
			Queued: int(counts.GetQueued()), Running: int(counts.GetRunning()), Succeeded: int(counts.GetSucceeded()),
			Stopped: int(counts.GetStopped()), Failed: int(counts.GetFailed()), Infeasible: int(counts.GetInfeasible()),
			Cancelled: int(counts.GetCancelled()), Abandoned: int(counts.GetAbandoned()),
		},
		CreateTime: decodeTime(wire.GetCreateTime()), UpdateTime: decodeTime(wire.GetUpdateTime()),
		FinishTime: decodeTime(wire.GetFinishTime()), Etag: wire.GetEtag(), Cursor: wire.GetCursor(),
		ConfigurationCount: wire.ConfigurationCount,
	}
	for _, warning := range wire.GetWarnings() {
		info.Warnings = append(info.Warnings, StudyWarning{
			Kind:  decodeEnum[string](warning.GetKind(), "WARNING_KIND_"),
			Field: warning.GetField(), Message: warning.GetMessage(),
		})
	}
	return info
}
