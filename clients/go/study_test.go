package asktell_test

import (
	"bytes"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	asktell "github.com/asktell/asktell/clients/go"
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// keeper stores one study, as a server does: with the defaults written out.
func keeper(t *testing.T) *server {
	t.Helper()
	var stored *pb.Study
	return start(t, &server{
		createStudy: func(_ int, request *pb.CreateStudyRequest) (*pb.Study, error) {
			if stored != nil {
				return nil, refusal(codes.AlreadyExists, "STUDY_EXISTS", nil, 0)
			}
			stored = proto.CloneOf(request.GetStudy())
			stored.Name = request.GetParent() + "/studies/" + request.GetStudyId()
			if stored.Seed == nil {
				stored.Seed = new(int64(42))
			}
			stored.Warnings = []*pb.StudyWarning{{
				Kind: pb.WarningKind_WARNING_KIND_BUDGET_TOO_SMALL, Field: "stopping_rules.max_trials", Message: "so few",
			}}
			return stored, nil
		},
		getStudy: func(int, *pb.GetStudyRequest) (*pb.Study, error) { return stored, nil },
	})
}

func wholeSpec(t *testing.T) asktell.StudySpec {
	t.Helper()
	_, spec, err := asktell.ParseStudyFile("full.yaml", []byte(fullFile))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestASpecificationComesBackAsItWasGiven(t *testing.T) {
	var log bytes.Buffer
	spec := wholeSpec(t)
	client := connect(t, keeper(t), asktell.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	study, err := client.CreateStudy(t.Context(), "full", spec)
	if err != nil {
		t.Fatal(err)
	}
	if got := study.Info().Spec; !reflect.DeepEqual(got, spec) {
		t.Errorf("got\n%+v\nwant\n%+v", got, spec)
	}
	if study.ID() != "full" || study.Name() != "projects/default/studies/full" {
		t.Error(study.ID(), study.Name())
	}
	if study.Info().Warnings[0].Kind != "BUDGET_TOO_SMALL" || !strings.Contains(log.String(), "so few") {
		t.Errorf("warnings %v, log %q", study.Info().Warnings, log.String())
	}
}

func TestExistOKOpensTheSameStudyOnly(t *testing.T) {
	var log bytes.Buffer
	client := connect(t, keeper(t), asktell.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	if _, err := client.CreateStudy(t.Context(), "s", wholeSpec(t)); err != nil {
		t.Fatal(err)
	}
	for _, each := range []struct {
		change func(*asktell.StudySpec)
		differ string // "" = it is the same study
	}{
		{func(*asktell.StudySpec) {}, ""},
		{func(s *asktell.StudySpec) { s.Lease, s.MaxAttempts, s.Seed = 0, 0, nil }, ""}, // left to the server
		{func(s *asktell.StudySpec) { s.MaxTrials, s.MaxRunning = new(99), 1 }, ""},     // can be changed
		{func(s *asktell.StudySpec) { s.Replicates, s.MaxStaleness = 0, nil }, ""},      // left to the server
		{func(s *asktell.StudySpec) { s.MaxStaleness = new(4) }, ""},                    // can be changed
		{func(s *asktell.StudySpec) { s.Objectives[0].Split = "" }, ""},
		{func(s *asktell.StudySpec) { s.Metrics[0], s.Metrics[1] = s.Metrics[1], s.Metrics[0] }, ""},
		{func(s *asktell.StudySpec) { s.Space = s.Space[1:] }, "space (lr)"},
		{func(s *asktell.StudySpec) { s.Space[6] = asktell.Bool{Name: "flag"} }, "space (flag)"},
		{func(s *asktell.StudySpec) { s.Objectives[0].Goal = asktell.GoalMaximize }, "objectives"},
		{func(s *asktell.StudySpec) { s.Metrics = nil }, "metrics"},
		{func(s *asktell.StudySpec) { s.Algorithm = nil }, "algorithm"},
		{func(s *asktell.StudySpec) { s.Lease = time.Minute }, "lease"},
		{func(s *asktell.StudySpec) { s.MaxAttempts = 3 }, "max_attempts"},
		{func(s *asktell.StudySpec) { s.Replicates = 2 }, "replicates"},
		{func(s *asktell.StudySpec) { s.Seed = new(int64(1)) }, "seed"},
	} {
		spec := wholeSpec(t)
		each.change(&spec)
		_, err := client.CreateStudy(t.Context(), "s", spec, asktell.ExistOK())
		if each.differ == "" && err != nil {
			t.Error(err)
		}
		if each.differ != "" && (!errors.Is(err, asktell.ErrStudyExists) || !strings.Contains(err.Error(), each.differ)) {
			t.Errorf("got %v, want that %s differs", err, each.differ)
		}
	}
	if !strings.Contains(log.String(), "max_running max_trials") || !strings.Contains(log.String(), "[max_staleness]") {
		t.Errorf("nothing is said of other rules: %q", log.String())
	}
	if _, err := client.CreateStudy(t.Context(), "s", wholeSpec(t)); !errors.Is(err, asktell.ErrStudyExists) {
		t.Errorf("without ExistOK: %v", err)
	}
}

func TestMaxStalenessIsChangedAndLeftToTheServerAgain(t *testing.T) {
	var sent *pb.UpdateStudyRequest
	study := open(t, start(t, &server{updateStudy: func(_ int, request *pb.UpdateStudyRequest) (*pb.Study, error) {
		sent = request
		return request.GetStudy(), nil
	}}))
	for _, each := range []struct {
		option asktell.UpdateOption
		want   *int
	}{
		{asktell.SetMaxStaleness(0), new(0)}, {asktell.SetMaxStaleness(7), new(7)}, {asktell.ClearMaxStaleness(), nil},
	} {
		if err := study.Update(t.Context(), each.option); err != nil {
			t.Fatal(err)
		}
		if paths := sent.GetUpdateMask().GetPaths(); !slices.Equal(paths, []string{"max_staleness"}) {
			t.Error(paths)
		}
		if got := study.Info().Spec.MaxStaleness; !reflect.DeepEqual(got, each.want) {
			t.Errorf("got %v, want %v", got, each.want)
		}
	}
}

func TestTheBestByTheModelIsThereWhereResultsAreNoisy(t *testing.T) {
	study := open(t, start(t, &server{listBest: func(n int, request *pb.ListBestTrialsRequest) (*pb.ListBestTrialsResponse, error) {
		if !request.GetByModel() {
			t.Error("the model is not asked for")
		}
		answer := &pb.ListBestTrialsResponse{Trials: []*pb.Trial{{Number: 7}}}
		if n == 1 {
			answer.BestByModel = &pb.BestByModel{
				Trial: &pb.Trial{Number: 4}, Mean: 0.5, StandardDeviation: 0.25, Noise: 0.125,
			}
		}
		return answer, nil
	}}))
	best, err := study.BestByModel(t.Context())
	if err != nil || best.Trial.Number() != 4 || best.Mean != 0.5 || best.StandardDeviation != 0.25 || best.Noise != 0.125 {
		t.Errorf("got %+v, %v", best, err)
	}
	if best, err := study.BestByModel(t.Context()); err != nil || best != nil {
		t.Errorf("without noise: got %+v, %v", best, err)
	}
}

func TestMistakesThatNoServerNeedsToSee(t *testing.T) {
	client := connect(t, keeper(t))
	for field, spec := range map[string]asktell.StudySpec{
		"study.search_space.parameters[0]":    {Space: asktell.Space{nil}},
		"study.objectives[0].goal":            {Objectives: []asktell.Objective{{Metric: "loss", Goal: "least"}}},
		"study.tracked_metrics[0].split":      {Metrics: []asktell.TrackedMetric{{Metric: "loss", Split: "tets"}}},
		"study.stopping_rules.max_trials":     {MaxTrials: new(1 << 40)},
		"study.replicates":                    {Replicates: 1 << 40},
		"study.max_staleness":                 {MaxStaleness: new(1 << 40)},
		"study.algorithm.grid.default_levels": {Algorithm: asktell.Grid{DefaultLevels: 1 << 40}},
	} {
		_, err := client.CreateStudy(t.Context(), "s", spec)
		failure, ok := errors.AsType[*asktell.Error](err)
		if !ok || !errors.Is(err, asktell.ErrInvalidArgument) || failure.Field() != field {
			t.Errorf("got %v, want one about %s", err, field)
		}
	}
}
