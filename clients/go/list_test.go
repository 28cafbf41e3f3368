package asktell_test

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	asktell "github.com/asktell/asktell/clients/go"
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// three pages: two trials, none, one.
func pages(_ int, request *pb.ListTrialsRequest) (*pb.ListTrialsResponse, error) {
	switch request.GetPageToken() {
	case "":
		return &pb.ListTrialsResponse{Trials: []*pb.Trial{{Number: 1}, {Number: 2}}, NextPageToken: "a"}, nil
	case "a":
		return &pb.ListTrialsResponse{NextPageToken: "b"}, nil
	default:
		return &pb.ListTrialsResponse{Trials: []*pb.Trial{{Number: 3}}}, nil
	}
}

func TestTrialsGoesThroughAllPages(t *testing.T) {
	study := open(t, start(t, &server{listTrials: pages}))
	trials := study.Trials(t.Context(), nil)
	for range 2 { // a sequence can be gone through again
		var numbers []int
		for trial, err := range trials {
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, trial.Number())
		}
		if len(numbers) != 3 || numbers[2] != 3 {
			t.Error(numbers)
		}
	}
}

func TestTrialsFetchesNoMoreThanIsLookedAt(t *testing.T) {
	s := start(t, &server{listTrials: pages})
	for trial, err := range open(t, s).Trials(t.Context(), nil) {
		if err != nil || trial.Number() == 2 {
			break
		}
	}
	if calls := len(s.seen("ListTrials")); calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
}

func TestTrialsEndsWithAnError(t *testing.T) {
	s := start(t, &server{listTrials: func(n int, request *pb.ListTrialsRequest) (*pb.ListTrialsResponse, error) {
		if n == 2 {
			return nil, refusal(codes.InvalidArgument, "INVALID_TOKEN", nil, 0)
		}
		return pages(n, request)
	}})
	var seen int
	var failure error
	for _, err := range open(t, s).Trials(t.Context(), nil) {
		seen, failure = seen+1, err
	}
	if seen != 3 || !errors.Is(failure, asktell.ErrInvalidArgument) {
		t.Errorf("%d steps, the last with %v", seen, failure)
	}
}

func TestFiltersAreSent(t *testing.T) {
	want := &pb.ListTrialsRequest{
		Parent: studyName, PageSize: 500, Filter: &pb.TrialFilter{
			States:   []pb.TrialState{pb.TrialState_TRIAL_STATE_RUNNING, pb.TrialState_TRIAL_STATE_FAILED},
			WorkerId: "w", Labels: map[string]string{"k": "v"},
		},
	}
	s := start(t, &server{listTrials: func(_ int, request *pb.ListTrialsRequest) (*pb.ListTrialsResponse, error) {
		if !proto.Equal(request, want) {
			t.Errorf("got %v, want %v", request, want)
		}
		return &pb.ListTrialsResponse{}, nil
	}})
	for range open(t, s).Trials(t.Context(), want.GetFilter()) {
		t.Error("there are no trials")
	}
}
