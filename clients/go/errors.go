package asktell

import (
	"encoding/json"
	"time"

	"google.golang.org/grpc/codes"
)

// Kinds of errors, for [errors.Is]. They form a tree, and an error is of its kind and of all kinds above it.
var (
	// ErrInvalidArgument: a field of the request is wrong, see [Error.Field]; nothing was changed.
	ErrInvalidArgument = newKind("invalid argument", nil)
	// ErrNotFinite: a value is NaN or infinite.
	ErrNotFinite = newKind("not finite", ErrInvalidArgument)
	// ErrUnknownMetric: the study declares no such metric.
	ErrUnknownMetric = newKind("unknown metric", ErrInvalidArgument)
	// ErrMissingObjective: a result without the objective.
	ErrMissingObjective = newKind("missing objective", ErrInvalidArgument)
	// ErrValueOutsideSpace: a parameter value that its domain does not have, or that is missing.
	ErrValueOutsideSpace = newKind("value outside the space", ErrInvalidArgument)
	// ErrTestSplitObjective: an objective is measured on test data, which would make it worthless as a test.
	ErrTestSplitObjective = newKind("objective on the test split", ErrInvalidArgument)
	// ErrGridTooLarge: the grid has more than 1,000,000 points.
	ErrGridTooLarge = newKind("grid too large", ErrInvalidArgument)

	// ErrNotSupported: the contract has it, this server does not do it.
	ErrNotSupported = newKind("not supported", nil)

	// ErrNotFound: no such study or trial, see [Error.Name].
	ErrNotFound = newKind("not found", nil)
	// ErrStudyNotFound: no such study.
	ErrStudyNotFound = newKind("study not found", ErrNotFound)
	// ErrTrialNotFound: no such trial.
	ErrTrialNotFound = newKind("trial not found", ErrNotFound)

	// ErrAlreadyExists: a study of that name, or another result, exists.
	ErrAlreadyExists = newKind("already exists", nil)
	// ErrStudyExists: a study of that name exists; with [ExistOK], one with another specification.
	ErrStudyExists = newKind("study exists", ErrAlreadyExists)
	// ErrResultConflict: the trial has another result, see [Error.StoredMetrics]; corrections go through [Trial.Amend].
	ErrResultConflict = newKind("result conflict", ErrAlreadyExists)

	// ErrFailedPrecondition: the state of the study or trial does not allow the call.
	ErrFailedPrecondition = newKind("failed precondition", nil)
	// ErrStudyComplete: the study hands out no more trials, see [Error.FinishReason].
	ErrStudyComplete = newKind("study is complete", ErrFailedPrecondition)
	// ErrStudyPaused: the study hands out no trials until it is resumed.
	ErrStudyPaused = newKind("study paused", ErrFailedPrecondition)
	// ErrQueueEmpty: the study is searched by hand, and nothing is enqueued.
	ErrQueueEmpty = newKind("queue empty", ErrFailedPrecondition)
	// ErrIllegalTransition: the trial's state does not allow the call, see [Error.State].
	ErrIllegalTransition = newKind("illegal transition", ErrFailedPrecondition)
	// ErrLeaseLost: the trial is no longer this worker's.
	ErrLeaseLost = newKind("lease lost", ErrFailedPrecondition)

	// ErrAborted: a race was lost; nothing was changed and the call may be made again.
	ErrAborted = newKind("aborted", nil)
	// ErrEtagMismatch: the study changed since it was read, see [Error.Etag].
	ErrEtagMismatch = newKind("etag mismatch", ErrAborted)
	// ErrContention: too many writers at once, for longer than the client's own retries.
	ErrContention = newKind("contention", ErrAborted)

	// ErrResourceExhausted: a limit is reached, or the server is at the end of its capacity.
	ErrResourceExhausted = newKind("resource exhausted", nil)
	// ErrNoTrialAvailable: all that may run now is running; ask again after [Error.RetryAfter].
	ErrNoTrialAvailable = newKind("no trial available", ErrResourceExhausted)
	// ErrOverloaded: the server has as many calls as it can take.
	ErrOverloaded = newKind("overloaded", ErrResourceExhausted)
	// ErrLimitExceeded: a limit of the product is reached.
	ErrLimitExceeded = newKind("limit exceeded", ErrResourceExhausted)

	// ErrUnavailable: no server, or its store is away, for longer than the call's deadline.
	ErrUnavailable = newKind("unavailable", nil)
	// ErrDeadlineExceeded: the answer was not ready in time. The call may have been carried out; making it again is safe.
	ErrDeadlineExceeded = newKind("deadline exceeded", nil)
	// ErrUnauthenticated: the token is missing or wrong.
	ErrUnauthenticated = newKind("unauthenticated", nil)
	// ErrInternal: a bug of the server; its log has more under [Error.Incident].
	ErrInternal = newKind("internal error", nil)

	// ErrClientClosed: the client has been closed.
	ErrClientClosed = newKind("client closed", nil)
	// ErrNoResults: the study has no trial with a result yet. Only [Study.BestTrial] returns it.
	ErrNoResults = newKind("no results yet", nil)
)

type kind struct {
	text   string
	parent error
}

func newKind(text string, parent error) error { return &kind{text: text, parent: parent} }

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
		return ErrStudyComplete.(*kind).text + ": " + e.finishedBecause()
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

// Name is the resource name of the study or trial that the error is about.
func (e *Error) Name() string { return e.Metadata["name"] }

// State is the trial's state that an [ErrIllegalTransition] or [ErrResultConflict] ran into.
func (e *Error) State() TrialState { return TrialState(e.Metadata["state"]) }

// StoredMetrics are the metrics of the result that an [ErrResultConflict] ran into; nil when they are not told.
func (e *Error) StoredMetrics() Metrics {
	var stored Metrics
	if json.Unmarshal([]byte(e.Metadata["metrics"]), &stored) != nil {
		return nil // cut short by the server's limit on the size of errors
	}
	return stored
}

// Etag is the study's present etag, of an [ErrEtagMismatch].
func (e *Error) Etag() string { return e.Metadata["etag"] }

// FinishReason says why the study is complete, of an [ErrStudyComplete].
func (e *Error) FinishReason() FinishReason { return FinishReason(e.Metadata["finish_reason"]) }

// Incident is the id under which the server's log has more, of an [ErrInternal].
func (e *Error) Incident() string { return e.Metadata["incident"] }

func (e *Error) finishedBecause() string {
	switch reason := e.FinishReason(); reason {
	case FinishedByRequest:
		return "it was finished by request"
	case FinishedByMaxTrials:
		return "its budget of trials is used up"
	case FinishedByTarget:
		return "a trial reached the target value"
	case FinishedByPatience:
		return "the last trials did not better the best one"
	case FinishedByDeadline:
		return "its deadline has passed"
	case FinishedByExhaustion:
		return "every configuration of its space or grid has been tried"
	case "":
		return e.Message
	default:
		return string(reason)
	}
}
