package asktell_test

import (
	"errors"
	"fmt"
	"strings"
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

func TestAStudyShowsOnlyASingleFeasibleBestTrial(t *testing.T) {
	trials := []*pb.Trial{{Number: 7, Metrics: map[string]*pb.Metric{"loss": {Value: 0.5}, "ms": {Value: 3}}}}
	answer := &pb.ListBestTrialsResponse{Trials: trials}
	var failure error
	s := start(t, &server{
		getStudy: func(_ int, request *pb.GetStudyRequest) (*pb.Study, error) {
			study := &pb.Study{Name: request.GetName(), TrialCounts: &pb.TrialCounts{Succeeded: 1}}
			study.Objectives = append(study.Objectives, &pb.Objective{Metric: "loss"})
			if strings.HasSuffix(study.GetName(), "/two") {
				study.Objectives = append(study.Objectives, &pb.Objective{Metric: "ms"})
			}
			return study, nil
		},
		listBest: func(int, *pb.ListBestTrialsRequest) (*pb.ListBestTrialsResponse, error) { return answer, failure },
	})
	client := connect(t, s)
	const counted = " UNSPECIFIED, 1 trial ended"
	is := func(study *asktell.Study, best string) {
		t.Helper()
		if got, want := study.String(), study.Name()+counted+best; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	one, err := client.Study(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	is(one, "")
	for _, unusable := range []*pb.ListBestTrialsResponse{{Trials: trials, Infeasible: true}, {}} {
		answer = &pb.ListBestTrialsResponse{Trials: trials}
		if _, err := one.BestTrial(t.Context()); err != nil {
			t.Fatal(err)
		}
		is(one, ", best: trial 7 with loss=0.5")
		failure = refusal(codes.InvalidArgument, "INVALID_FIELD", nil, 0)
		if _, err := one.BestTrial(t.Context()); !errors.Is(err, asktell.ErrInvalidArgument) {
			t.Fatal(err)
		}
		is(one, ", best: trial 7 with loss=0.5") // a refusal says nothing about it
		answer, failure = unusable, nil
		if _, err := one.BestTrial(t.Context()); !errors.Is(err, asktell.ErrNoResults) {
			t.Fatal(err)
		}
		is(one, "")
	}

	answer = &pb.ListBestTrialsResponse{Trials: trials}
	two, err := client.Study(t.Context(), "two")
	if err != nil {
		t.Fatal(err)
	}
	if front, err := two.ParetoFront(t.Context()); err != nil || len(front) != 1 {
		t.Fatal(front, err)
	}
	is(two, "")
	if _, err := two.BestTrial(t.Context()); !errors.Is(err, asktell.ErrSeveralObjectives) {
		t.Error(err)
	}
}
