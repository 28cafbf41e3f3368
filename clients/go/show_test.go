package asktell_test

import (
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

	asktell "github.com/asktell/asktell/clients/go"
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

func TestHandlesShowWhereTheyStandAndNoToken(t *testing.T) {
	study := func(state pb.StudyState, reason pb.FinishReason, ended int32) *pb.Study {
		return &pb.Study{
			Name: studyName, State: state, FinishReason: reason,
			Objectives:    []*pb.Objective{{Metric: "val_loss"}},
			StoppingRules: &pb.StoppingRules{MaxTrials: new(int32(3))},
			TrialCounts:   &pb.TrialCounts{Succeeded: ended, Failed: 1, Running: 3 - ended},
		}
	}
	s := start(t, &server{
		getStudy: func(n int, _ *pb.GetStudyRequest) (*pb.Study, error) {
			if n == 1 {
				return study(pb.StudyState_STUDY_STATE_ACTIVE, pb.FinishReason_FINISH_REASON_UNSPECIFIED, 1), nil
			}
			return study(pb.StudyState_STUDY_STATE_FINISHED, pb.FinishReason_FINISH_REASON_MAX_TRIALS, 3), nil
		},
		ask: func(int, *pb.AskRequest) (*pb.AskResponse, error) {
			return nil, refusal(codes.FailedPrecondition, "STUDY_COMPLETE", nil, 0)
		},
		listBest: func(int, *pb.ListBestTrialsRequest) (*pb.ListBestTrialsResponse, error) {
			return &pb.ListBestTrialsResponse{Trials: []*pb.Trial{{
				Name: studyName + "/trials/7", Number: 7, State: pb.TrialState_TRIAL_STATE_SUCCEEDED,
				Parameters: asktell.Params{"rank": asktell.ValueOf(8), "lr": asktell.ValueOf(1e-4)},
				Metrics:    map[string]*pb.Metric{"val_loss": {Value: 0.31}, "seconds": {Value: 2}},
			}}}, nil
		},
	})
	client := connect(t, s, asktell.WithToken("hidden"), asktell.WithProject("vision"))
	is := func(handle fmt.Stringer, want string) {
		t.Helper()
		if got := fmt.Sprint(handle); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	is(client, s.address+" project vision")
	handle, err := client.Study(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	is(handle, studyName+" ACTIVE, 2 trials ended, 1 failed, 2 running, budget 3")
	best, err := handle.BestTrial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	is(best, studyName+"/trials/7 SUCCEEDED lr=0.0001 rank=8, seconds=2 val_loss=0.31")
	if _, err := handle.Ask(t.Context()); !errors.Is(err, asktell.ErrStudyComplete) {
		t.Fatal(err)
	}
	is(handle, studyName+" FINISHED (MAX_TRIALS), 4 trials ended, 1 failed, budget 3, best: trial 7 with val_loss=0.31")
}
