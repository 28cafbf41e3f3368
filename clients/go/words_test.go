package asktell_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	asktell "github.com/asktell/asktell/clients/go"
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

func TestRulesOfEarlyStopping(t *testing.T) {
	judged := asktell.MedianStopping(3)
	judged.GraceTrials, judged.Metric = 10, "val_loss"
	for text, rule := range map[string]*asktell.EarlyStopping{
		`{"median": {"minSteps": 3}, "graceTrials": 10, "metric": "val_loss"}`: judged,
		`{"auto": {"minSteps": 5}}`: asktell.AutoStopping(5), `{"wilcoxon": {}}`: asktell.WilcoxonStopping(),
		`{"percentile": {"percentile": 25, "minSteps": 2}}`:  asktell.PercentileStopping(25, 2),
		`{"patience": {"patienceSteps": 5, "minGain": 0.1}}`: asktell.PatienceStopping(5, 0.1),
		`{"successiveHalving": {"minSteps": 2}}`:             asktell.SuccessiveHalving(2),
		`{"hyperband": {"minSteps": 1, "maxSteps": 81}}`:     asktell.Hyperband(1, 81),
		`{"any": {"rules": [{"threshold": {"max": 0}}, {"threshold": {"min": 1, "minSteps": 4}}]}}`: asktell.AnyStopping(
			asktell.StoppingAbove(0, 0), asktell.StoppingBelow(1, 4)),
	} {
		var want pb.EarlyStopping
		if err := protojson.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(rule, &want) {
			t.Errorf("expected %v, got %v", &want, rule)
		}
	}
}

func TestAnAskStatesFixedValues(t *testing.T) {
	var asked *pb.AskRequest
	serving := start(t, &server{ask: func(_ int, request *pb.AskRequest) (*pb.AskResponse, error) {
		asked = request
		return &pb.AskResponse{Trials: []*pb.Trial{{Name: studyName + "/trials/1"}}}, nil
	}})
	study := open(t, serving)
	trial, err := study.Ask(t.Context(), asktell.Fixed("batch", 8), asktell.Fixed("data", "flowers"), asktell.CostAware)
	if err != nil {
		t.Fatal(err)
	}
	trial.Close()
	want := asktell.Params{"batch": asktell.ValueOf(8), "data": asktell.ValueOf("flowers")}
	if got := asktell.Params(asked.GetFixedParameters()); got.String() != want.String() || !asked.GetCostAware() {
		t.Errorf("expected %v, got %v", want, asked)
	}
	if !asktell.Bool("data", asktell.Context).GetContext() {
		t.Error("not a context parameter")
	}
}
