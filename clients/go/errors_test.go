package asktell_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	asktell "github.com/asktell/asktell/clients/go"
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// get makes a call that is refused.
func get(t *testing.T, code codes.Code, reason string, metadata map[string]string) *asktell.Error {
	t.Helper()
	s := start(t, &server{getStudy: func(int, *pb.GetStudyRequest) (*pb.Study, error) {
		return nil, refusal(code, reason, metadata, 0)
	}})
	_, err := connect(t, s, asktell.WithTimeout(2*time.Second)).Study(t.Context(), "s")
	failure, ok := errors.AsType[*asktell.Error](err)
	if !ok {
		t.Fatalf("got %v of type %T, want an *asktell.Error", err, err)
	}
	return failure
}

func TestEveryReasonOfTheContractHasAKind(t *testing.T) {
	// With a code that says nothing, only the reason can tell.
	for name, number := range pb.ErrorReason_value {
		if number == 0 {
			continue
		}
		reason := strings.TrimPrefix(name, "ERROR_REASON_")
		failure := get(t, codes.Unknown, reason, nil)
		if failure.Reason != reason || len(failure.Unwrap()) == 0 {
			t.Errorf("%s is of no kind", reason)
		}
	}
}

func TestKindsFormATree(t *testing.T) {
	failure := get(t, codes.InvalidArgument, "NOT_FINITE", map[string]string{"field": "metrics[loss].value"})
	if !errors.Is(failure, asktell.ErrNotFinite) || !errors.Is(failure, asktell.ErrInvalidArgument) {
		t.Error("NOT_FINITE is no invalid argument")
	}
	if errors.Is(failure, asktell.ErrUnknownMetric) || errors.Is(failure, asktell.ErrNotFound) {
		t.Error("NOT_FINITE is of another kind, too")
	}
	if failure.Field() != "metrics[loss].value" || failure.Code != codes.InvalidArgument || failure.Error() != "in words" {
		t.Errorf("%+v", failure)
	}
}

func TestUnknownReasonsGoByTheirCode(t *testing.T) {
	failure := get(t, codes.FailedPrecondition, "NEWER_THAN_THIS_CLIENT", nil)
	if !errors.Is(failure, asktell.ErrFailedPrecondition) || failure.Reason != "NEWER_THAN_THIS_CLIENT" {
		t.Errorf("%+v", failure)
	}
}

func TestACompleteStudySaysSoInTheSharedWords(t *testing.T) {
	failure := get(t, codes.FailedPrecondition, "STUDY_COMPLETE", map[string]string{"finish_reason": "MAX_TRIALS"})
	if failure.Error() != "study is complete: its budget of trials is used up" {
		t.Error(failure)
	}
	if failure.FinishReason() != pb.FinishReason_FINISH_REASON_MAX_TRIALS {
		t.Error(failure.FinishReason())
	}
	for _, reason := range []string{"SOMETHING_NEW", ""} {
		failure := get(t, codes.FailedPrecondition, "STUDY_COMPLETE", map[string]string{"finish_reason": reason})
		if !strings.HasPrefix(failure.Error(), "study is complete: ") {
			t.Error(failure)
		}
	}
}

func TestAConflictTellsTheStoredResult(t *testing.T) {
	failure := get(t, codes.AlreadyExists, "RESULT_CONFLICT", map[string]string{
		"name": "projects/p/studies/s/trials/7", "state": "SUCCEEDED", "metrics": `{"loss": 0.27}`,
	})
	if !maps.Equal(failure.StoredMetrics(), asktell.Metrics{"loss": 0.27}) || failure.State() != pb.TrialState_TRIAL_STATE_SUCCEEDED {
		t.Error(failure.StoredMetrics(), failure.State())
	}
	cut := get(t, codes.AlreadyExists, "RESULT_CONFLICT", map[string]string{"metrics": `{"loss": 0.2...`})
	if cut.StoredMetrics() != nil {
		t.Error(cut.StoredMetrics())
	}
}
