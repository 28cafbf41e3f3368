package asktell_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	asktell "github.com/asktell/asktell/clients/go"
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

func wholeStudy() *asktell.StudyRecord {
	return &asktell.StudyRecord{
		DisplayName: "a title",
		SearchSpace: asktell.Space(
			asktell.Float("lr", 1e-5, 1e-1, asktell.Log, asktell.Default(1e-3)),
			asktell.Float("momentum", 0.5, 0.99, asktell.ReverseLog, asktell.When("optimizer", "sgd")),
			asktell.Float("dropout", 0, 0.5, asktell.Step(0.1), asktell.NormalPrior(0.1, 0.2)),
			asktell.Int("layers", 1, 9, asktell.Step(2), asktell.Default(3)),
			asktell.Int("width", 16, 1024, asktell.Log),
			asktell.Discrete("batch", []int{16, 32}),
			asktell.Discrete("rate", []float64{0.1, 0.25}, asktell.Default(0.25)),
			asktell.Categorical("optimizer", []string{"sgd", "adam"}, asktell.Default("adam")),
			asktell.Bool("bias", asktell.Default(false), asktell.WeightsPrior(1, 3)),
		),
		Objectives:     []*asktell.Objective{asktell.Maximize("accuracy")},
		TrackedMetrics: []*asktell.TrackedMetric{{Metric: "test_loss", Split: pb.Split_SPLIT_TEST}},
		Algorithm:      asktell.Grid(map[string]int32{"lr": 7}),
		StoppingRules:  &asktell.StoppingRules{MaxTrials: new(int32(50))},
		LeasePolicy:    &asktell.LeasePolicy{MaxAttempts: 5},
		Labels:         map[string]string{"team": "vision"},
	}
}

func TestAStudyIsSentAsItIsBuilt(t *testing.T) {
	var want pb.Study
	text := `{"displayName": "a title", "searchSpace": {"parameters": [
		{"name": "lr", "floatDomain": {"min": 1e-5, "max": 0.1, "scale": "SCALE_LOG"}, "defaultValue": {"doubleValue": 1e-3}},
		{"name": "momentum", "floatDomain": {"min": 0.5, "max": 0.99, "scale": "SCALE_REVERSE_LOG"},
			"condition": {"parent": "optimizer", "values": [{"stringValue": "sgd"}]}},
		{"name": "dropout", "floatDomain": {"max": 0.5, "scale": "SCALE_LINEAR", "step": 0.1},
			"prior": {"normal": {"mean": 0.1, "relativeStandardDeviation": 0.2}}},
		{"name": "layers", "intDomain": {"min": "1", "max": "9", "scale": "SCALE_LINEAR", "step": "2"}, "defaultValue": {"intValue": "3"}},
		{"name": "width", "intDomain": {"min": "16", "max": "1024", "scale": "SCALE_LOG"}},
		{"name": "batch", "discreteDomain": {"values": [{"intValue": "16"}, {"intValue": "32"}]}},
		{"name": "rate", "discreteDomain": {"values": [{"doubleValue": 0.1}, {"doubleValue": 0.25}]}, "defaultValue": {"doubleValue": 0.25}},
		{"name": "optimizer", "categoricalDomain": {"values": ["sgd", "adam"]}, "defaultValue": {"stringValue": "adam"}},
		{"name": "bias", "boolDomain": {}, "defaultValue": {"boolValue": false}, "prior": {"weights": {"weights": [1, 3]}}}]},
		"objectives": [{"metric": "accuracy", "goal": "GOAL_MAXIMIZE", "split": "SPLIT_VALIDATION"}],
		"trackedMetrics": [{"metric": "test_loss", "split": "SPLIT_TEST"}],
		"algorithm": {"grid": {"levels": {"lr": 7}}}, "stoppingRules": {"maxTrials": 50},
		"leasePolicy": {"maxAttempts": 5}, "labels": {"team": "vision"}}`
	if err := protojson.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	if got := wholeStudy(); !proto.Equal(got, &want) {
		t.Errorf("got\n%v\nwant\n%v", got, &want)
	}
}

func TestAStudyIsCreatedOpenedAndWarnedOf(t *testing.T) {
	var log bytes.Buffer
	var sent *pb.CreateStudyRequest
	s := start(t, &server{createStudy: func(_ int, request *pb.CreateStudyRequest) (*pb.Study, error) {
		sent = request
		stored := proto.CloneOf(request.GetStudy())
		stored.Name = request.GetParent() + "/studies/" + request.GetStudyId()
		stored.Warnings = []*pb.StudyWarning{{
			Kind: pb.WarningKind_WARNING_KIND_DIFFERS_FROM_REQUEST, Field: "stopping_rules.max_trials", Message: "another value",
		}}
		return stored, nil
	}})
	client := connect(t, s, asktell.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	study, err := client.CreateStudy(t.Context(), "full", wholeStudy(), asktell.ExistOK())
	if err != nil {
		t.Fatal(err)
	}
	if !sent.GetExistOk() || sent.GetRequestId() == "" || !proto.Equal(sent.GetStudy(), wholeStudy()) {
		t.Errorf("sent %v", sent)
	}
	if study.ID() != "full" || study.String() != "projects/default/studies/full UNSPECIFIED, 0 trials ended, budget 50" {
		t.Error(study.ID(), study)
	}
	if !strings.Contains(log.String(), "another value") || !strings.Contains(log.String(), "stopping_rules.max_trials") {
		t.Errorf("log %q", log.String())
	}
}

func TestStudyFilesAreReadByTheServer(t *testing.T) {
	var sent []*pb.CreateStudyRequest
	s := start(t, &server{createStudy: func(n int, request *pb.CreateStudyRequest) (*pb.Study, error) {
		sent = append(sent, request)
		if n == 1 {
			return nil, refusal(codes.InvalidArgument, "INVALID_STUDY_FILE", map[string]string{"line": "1", "column": "7"}, 0)
		}
		return &pb.Study{Name: studyName}, nil
	}})
	client := connect(t, s)
	path := filepath.Join(t.TempDir(), "study.yaml")
	if _, err := client.CreateStudyFromFile(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("name: größer"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := client.CreateStudyFromFile(t.Context(), path)
	if !errors.Is(err, asktell.ErrInvalidStudyFile) || !errors.Is(err, asktell.ErrInvalidArgument) ||
		!strings.HasPrefix(err.Error(), path+":in words") {
		t.Error(err)
	}
	if _, err := client.CreateStudyFromFile(t.Context(), path, asktell.ExistOK(), asktell.AsStudy("other")); err != nil {
		t.Error(err)
	}
	if record, err := client.CheckStudyFile(t.Context(), path); err != nil || record.GetName() != studyName {
		t.Error(record, err)
	}
	if sent[1].GetStudyFile() != "name: größer" || sent[1].GetStudyId() != "other" || !sent[1].GetExistOk() ||
		sent[1].GetValidateOnly() || !sent[2].GetValidateOnly() {
		t.Error(sent)
	}
}

func TestAnAskTakesAnyFieldOfItsRequest(t *testing.T) {
	var sent *pb.AskRequest
	study := open(t, start(t, &server{ask: func(_ int, request *pb.AskRequest) (*pb.AskResponse, error) {
		sent = request
		return &pb.AskResponse{Trials: []*pb.Trial{{Name: studyName + "/trials/1", Number: 1}}}, nil
	}}))
	if _, err := study.Ask(t.Context(), asktell.AskWith(func(r *asktell.AskRequest) { r.WorkerId = "mine" })); err != nil {
		t.Fatal(err)
	}
	if sent.GetWorkerId() != "mine" || sent.GetStudy() != studyName || sent.GetCount() != 1 || sent.GetRequestId() == "" {
		t.Error(sent)
	}
}

func TestMaxStalenessIsChangedAndLeftToTheServerAgain(t *testing.T) {
	var sent *pb.UpdateStudyRequest
	study := open(t, start(t, &server{updateStudy: func(_ int, request *pb.UpdateStudyRequest) (*pb.Study, error) {
		sent = request
		return request.GetStudy(), nil
	}}))
	for _, want := range []*int32{new(int32(0)), new(int32(7)), nil} {
		if err := study.Update(t.Context(), &asktell.StudyRecord{MaxStaleness: want}, "max_staleness"); err != nil {
			t.Fatal(err)
		}
		if paths := sent.GetUpdateMask().GetPaths(); !slices.Equal(paths, []string{"max_staleness"}) {
			t.Error(paths)
		}
		if got := study.Record().MaxStaleness; !reflect.DeepEqual(got, want) || sent.GetStudy().GetName() != studyName {
			t.Errorf("got %v, want %v", got, want)
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
	trial, best, err := study.BestByModel(t.Context())
	if err != nil || trial.Number() != 4 || best.GetMean() != 0.5 || best.GetStandardDeviation() != 0.25 || best.GetNoise() != 0.125 {
		t.Errorf("got %v, %v, %v", trial, best, err)
	}
	if trial, best, err := study.BestByModel(t.Context()); err != nil || trial != nil || best != nil {
		t.Errorf("without noise: got %v, %v, %v", trial, best, err)
	}
}
