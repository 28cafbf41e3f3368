package asktell

import (
	"cmp"
	"encoding/json"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Kinds of errors, for [errors.Is]. They form a tree, and an error is of its kind and of all kinds above it.
var (
	// ErrInvalidArgument: a field of the request is wrong, see [Error.Field]; nothing was changed.
	ErrInvalidArgument = newKind("invalid argument", nil, "INVALID_FIELD", "REQUEST_ID_REUSED", "INVALID_TOKEN")
	// ErrNotFinite: a value is NaN or infinite.
	ErrNotFinite = newKind("not finite", ErrInvalidArgument, "NOT_FINITE")
	// ErrUnknownMetric: the study declares no such metric.
	ErrUnknownMetric = newKind("unknown metric", ErrInvalidArgument, "UNKNOWN_METRIC")
	// ErrMissingObjective: a result without the objective.
	ErrMissingObjective = newKind("missing objective", ErrInvalidArgument, "MISSING_OBJECTIVE")
	// ErrValueOutsideSpace: a parameter value that its domain does not have, or that is missing.
	ErrValueOutsideSpace = newKind("value outside the space", ErrInvalidArgument, "VALUE_OUTSIDE_SPACE")
	// ErrTestSplitObjective: an objective is measured on test data, which would make it worthless as a test.
	ErrTestSplitObjective = newKind("objective on the test split", ErrInvalidArgument, "TEST_SPLIT_OBJECTIVE")
	// ErrGridTooLarge: the grid has more than 1,000,000 points.
	ErrGridTooLarge = newKind("grid too large", ErrInvalidArgument, "GRID_TOO_LARGE")

	// ErrInvalidStudyFile: a study file is no YAML, has an unknown key or lacks one, or a value is of another kind.
	ErrInvalidStudyFile = newKind("invalid study file", ErrInvalidArgument, "INVALID_STUDY_FILE")

	// ErrNotSupported: the contract has it, this server does not do it.
	ErrNotSupported = newKind("not supported", nil, "NOT_SUPPORTED", "STATELESS_SERVER")

	// ErrNotFound: no such study or trial, `name` in its metadata.
	ErrNotFound = newKind("not found", nil)
	// ErrStudyNotFound: no such study.
	ErrStudyNotFound = newKind("study not found", ErrNotFound, "STUDY_NOT_FOUND")
	// ErrTrialNotFound: no such trial.
	ErrTrialNotFound = newKind("trial not found", ErrNotFound, "TRIAL_NOT_FOUND")

	// ErrAlreadyExists: a study of that name, or another result, exists.
	ErrAlreadyExists = newKind("already exists", nil)
	// ErrStudyExists: a study of that name exists; with [ExistOK], one with another specification.
	ErrStudyExists = newKind("study exists", ErrAlreadyExists, "STUDY_EXISTS")
	// ErrResultConflict: the trial has another result, see [Error.StoredMetrics]; corrections go through [Trial.Amend].
	ErrResultConflict = newKind("result conflict", ErrAlreadyExists, "RESULT_CONFLICT")

	// ErrFailedPrecondition: the state of the study or trial does not allow the call.
	ErrFailedPrecondition = newKind("failed precondition", nil)
	// ErrStudyComplete: the study hands out no more trials, see [Error.FinishReason].
	ErrStudyComplete = newKind("study is complete", ErrFailedPrecondition, "STUDY_COMPLETE")
	// ErrStudyPaused: the study hands out no trials until it is resumed.
	ErrStudyPaused = newKind("study paused", ErrFailedPrecondition, "STUDY_PAUSED")
	// ErrQueueEmpty: the study is searched by hand, and nothing is enqueued.
	ErrQueueEmpty = newKind("queue empty", ErrFailedPrecondition, "QUEUE_EMPTY")
	// ErrFixedExhausted: every configuration with the fixed values of the ask has been tried; others are left.
	ErrFixedExhausted = newKind("nothing left with the fixed values", ErrFailedPrecondition, "FIXED_EXHAUSTED")
	// ErrTooFewResults: the study has too few results for a model.
	ErrTooFewResults = newKind("too few results for a model", ErrFailedPrecondition, "TOO_FEW_RESULTS")
	// ErrIllegalTransition: the trial's state does not allow the call, see [Error.State].
	ErrIllegalTransition = newKind("illegal transition", ErrFailedPrecondition, "ILLEGAL_TRANSITION")
	// ErrLeaseLost: the trial is no longer this worker's.
	ErrLeaseLost = newKind("lease lost", ErrFailedPrecondition, "LEASE_LOST")

	// ErrAborted: a race was lost; nothing was changed and the call may be made again.
	ErrAborted = newKind("aborted", nil)
	// ErrEtagMismatch: the study changed since it was read, `etag` in its metadata is the present one.
	ErrEtagMismatch = newKind("etag mismatch", ErrAborted, "ETAG_MISMATCH")
	// ErrContention: too many writers at once, for longer than the client's own retries.
	ErrContention = newKind("contention", ErrAborted, "CONTENTION")

	// ErrResourceExhausted: a limit is reached, or the server is at the end of its capacity.
	ErrResourceExhausted = newKind("resource exhausted", nil)
	// ErrNoTrialAvailable: all that may run now is running; ask again after [Error.RetryAfter].
	ErrNoTrialAvailable = newKind("no trial available", ErrResourceExhausted, "NO_TRIAL_AVAILABLE")
	// ErrOverloaded: the server has as many calls as it can take.
	ErrOverloaded = newKind("overloaded", ErrResourceExhausted, "OVERLOADED")
	// ErrLimitExceeded: a limit of the product is reached.
	ErrLimitExceeded = newKind("limit exceeded", ErrResourceExhausted, "LIMIT_EXCEEDED")

	// ErrUnavailable: no server, or its store is away, for longer than the call's deadline.
	ErrUnavailable = newKind("unavailable", nil, "STORE_UNAVAILABLE", "SERVER_DRAINING")
	// ErrDeadlineExceeded: the answer was not ready in time. The call may have been carried out; making it again is safe.
	ErrDeadlineExceeded = newKind("deadline exceeded", nil, "DEADLINE")
	// ErrUnauthenticated: the token is missing or wrong.
	ErrUnauthenticated = newKind("unauthenticated", nil, "UNAUTHENTICATED")
	// ErrInternal: a bug of the server; its log has more under the `incident` of its metadata.
	ErrInternal = newKind("internal error", nil, "INTERNAL")

	// ErrClientClosed: the client has been closed.
	ErrClientClosed = newKind("client closed", nil)
	// ErrNoResults: the study has no trial with a result yet, or none that keeps its outcome constraints. Only [Study.BestTrial]
	// and [Study.Hypervolume] return it.
	ErrNoResults = newKind("no results yet", nil)
	// ErrSeveralObjectives: there is no single best trial among several objectives; see [Study.ParetoFront]. Only
	// [Study.BestTrial] returns it.
	ErrSeveralObjectives = newKind("several objectives have no single best trial: see ParetoFront", nil)
)

type kind struct {
	text   string
	parent error
}

// newKind makes a kind, which errors with the given reasons are of.
func newKind(text string, parent error, reasons ...string) error {
	made := &kind{text: text, parent: parent}
	for _, reason := range reasons {
		kindOfReason[reason] = made
	}
	return made
}

var kindOfReason = map[string]error{}

func (k *kind) Error() string { return "asktell: " + k.text }

// Unwrap lets errors.Is walk up the tree.
func (k *kind) Unwrap() error { return k.parent }

// Error is what a call ended with. Its kind is told by [errors.Is].
type Error struct {
	// Message says what went wrong, for people.
	Message string
	// Reason says what went wrong, for programs: a name of asktell.v1.ErrorReason such as "STUDY_COMPLETE";
	// empty when it was not a server of asktell's that said it.
	Reason string
	// Metadata is what the catalogue of reasons promises for the reason.
	Metadata map[string]string
	// Code is the gRPC status.
	Code codes.Code
	// RetryAfter says when another try makes sense; 0 = nothing is known about it.
	RetryAfter time.Duration

	kind  error
	cause error
}

// Error is the message; for a complete study it begins with "study is complete" in every client.
func (e *Error) Error() string {
	if e.kind == ErrStudyComplete {
		if because := finishedBecause[e.FinishReason()]; because != "" {
			return ErrStudyComplete.(*kind).text + ": " + because
		}
		return ErrStudyComplete.(*kind).text + ": " + cmp.Or(e.Metadata["finish_reason"], e.Message)
	}
	return e.Message
}

// Unwrap returns the error's kind and, where there is one, the error of the context that ended the call.
func (e *Error) Unwrap() []error {
	wrapped := make([]error, 0, 2)
	for _, err := range []error{e.kind, e.cause} {
		if err != nil {
			wrapped = append(wrapped, err)
		}
	}
	return wrapped
}

// Field is the path of the wrong field of an [ErrInvalidArgument] or [ErrNotSupported] in the request, for example
// "study.search_space.parameters[0].float_domain.min".
func (e *Error) Field() string { return e.Metadata["field"] }

// State is the trial's state that an [ErrIllegalTransition] or [ErrResultConflict] ran into.
func (e *Error) State() pb.TrialState {
	return pb.TrialState(pb.TrialState_value["TRIAL_STATE_"+e.Metadata["state"]])
}

// StoredMetrics are the metrics of the result that an [ErrResultConflict] ran into; nil when they are not told.
func (e *Error) StoredMetrics() Metrics {
	var stored Metrics
	if json.Unmarshal([]byte(e.Metadata["metrics"]), &stored) != nil {
		return nil // cut short by the server's limit on the size of errors
	}
	return stored
}

// FinishReason says why the study is complete, of an [ErrStudyComplete].
func (e *Error) FinishReason() pb.FinishReason {
	return pb.FinishReason(pb.FinishReason_value["FINISH_REASON_"+e.Metadata["finish_reason"]])
}

var finishedBecause = map[pb.FinishReason]string{
	pb.FinishReason_FINISH_REASON_REQUESTED:      "it was finished by request",
	pb.FinishReason_FINISH_REASON_MAX_TRIALS:     "its budget of trials is used up",
	pb.FinishReason_FINISH_REASON_TARGET:         "a trial reached the target value",
	pb.FinishReason_FINISH_REASON_PATIENCE:       "the last trials did not better the best one",
	pb.FinishReason_FINISH_REASON_DEADLINE:       "its deadline has passed",
	pb.FinishReason_FINISH_REASON_EXHAUSTED:      "every configuration of its space or grid has been tried",
	pb.FinishReason_FINISH_REASON_LITTLE_TO_GAIN: "another 10 trials are expected to gain too little",
}
