package asktell_test

import (
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	asktell "github.com/asktell/asktell/clients/go"
)

const fullFile = `
name: full
display_name: Größer
objectives:
  - {metric: loss, goal: minimize}
metrics: [accuracy, {metric: test_loss, split: test}]
parameters:
  lr: {type: float, min: 1e-4, max: 1.0e-1, scale: log, default: 1}
  momentum: {type: float, min: 0.5, max: 1, scale: reverse_log, step: 0.1}
  layers: {type: int, min: 1, max: 1_000, scale: log, step: 2, default: 3}
  batch: {type: discrete, values: [16, 32], default: 32}
  rate: {type: discrete, values: [0.1, 2]}
  kind: {type: categorical, values: [on, "1", größer], default: on}
  flag: {type: bool, default: no}
algorithm: {grid: {default_levels: 3, levels: {lr: 7}}}
stopping: {max_trials: 50, target: 0.1, patience: 9, deadline: 2026-12-01T12:00:00Z}
lease: {duration_s: 0, max_attempts: 2}
max_running: 8
replicates: 3
max_staleness: 0
seed: 0
labels: {by: me}
annotations: {run: abc}
`

func TestAStudyFileIsReadWhole(t *testing.T) {
	id, spec, err := asktell.ParseStudyFile("full.yaml", []byte(fullFile))
	if err != nil {
		t.Fatal(err)
	}
	want := asktell.StudySpec{
		Space: asktell.Space{
			asktell.Float{Name: "lr", Min: 1e-4, Max: 0.1, Scale: asktell.Log, Default: new(1.0)},
			asktell.Float{Name: "momentum", Min: 0.5, Max: 1, Scale: asktell.ReverseLog, Step: new(0.1)},
			asktell.Int{Name: "layers", Min: 1, Max: 1000, Scale: asktell.Log, Step: new(int64(2)), Default: new(int64(3))},
			asktell.Discrete[int64]{Name: "batch", Values: []int64{16, 32}, Default: new(int64(32))},
			asktell.Discrete[float64]{Name: "rate", Values: []float64{0.1, 2}},
			asktell.Categorical{Name: "kind", Values: []string{"on", "1", "größer"}, Default: new("on")},
			asktell.Bool{Name: "flag", Default: new(false)},
		},
		Objectives: []asktell.Objective{asktell.Minimize("loss")},
		Metrics: []asktell.TrackedMetric{
			{Metric: "accuracy", Split: asktell.SplitValidation}, {Metric: "test_loss", Split: asktell.SplitTest},
		},
		Algorithm:    asktell.Grid{DefaultLevels: 3, Levels: map[string]int{"lr": 7}},
		MaxTrials:    new(50),
		Target:       new(0.1),
		Patience:     new(9),
		Deadline:     time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC),
		Lease:        asktell.Endless,
		MaxAttempts:  2,
		MaxRunning:   8,
		Replicates:   3,
		MaxStaleness: new(0),
		Seed:         new(int64(0)),
		DisplayName:  "Größer",
		Labels:       map[string]string{"by": "me"},
		Annotations:  map[string]string{"run": "abc"},
	}
	if id != "full" || !reflect.DeepEqual(spec, want) {
		t.Errorf("got %s\n%+v\nwant\n%+v", id, spec, want)
	}
}

func TestMistakesInAStudyFileAreFoundWhereTheyAre(t *testing.T) {
	for _, each := range []struct{ from, to, want string }{
		{"scale: log, default: 1}", "scael: log}", `x.yaml:8:45: parameters.lr: unknown key "scael"`},
		{"name: full", "nam: full", `x.yaml:2:1: unknown key "nam"`},
		{"name: full", "", "x.yaml:3:1: name is missing"},
		{"name: full", "name: 7", `x.yaml:2:7: name: must be a string, got the number 7; write "7"`},
		{"goal: minimize", "goal: minimise", `x.yaml:5:26: objectives[0].goal: must be one of minimize, maximize, got "minimise"`},
		{"min: 1e-4", `min: "1"`, `parameters.lr.min: must be a number, got "1"`},
		{"min: 1, max: 1_000", "min: 1.0, max: 1_000", `parameters.layers.min: must be a whole number, got "1.0"`},
		{"type: bool", "type: boolean", "parameters.flag.type: must be one of float, int"},
		{"min: 0.5, ", "", "parameters.momentum: min is missing"},
		{"seed: 0", "seed: 0\nseed: 1", "x.yaml:22:1: seed: stands here twice"},
		{"seed: 0", "seed: 9223372036854775808", "seed: must fit 64 bits"},
		{"seed: 0", "seed:", "seed: must be a whole number, got nothing"},
		{"2026-12-01T12:00:00Z", "2026-12-01T12:00:00", "stopping.deadline: must be a time with its zone"},
		{"default: no", "default: perhaps", "parameters.flag.default: must be true or false"},
		{"{grid: {default_levels: 3, levels: {lr: 7}}}", "{grid: {}, sobol: {}}", "algorithm: must name one algorithm"},
		{"name: full", "name: [full", "x.yaml:"},
	} {
		text := strings.Replace(fullFile, each.from, each.to, 1)
		_, _, err := asktell.ParseStudyFile("x.yaml", []byte(text))
		mistake, ok := errors.AsType[*asktell.StudyFileError](err)
		if !ok || !strings.Contains(mistake.Error(), each.want) {
			t.Errorf("%s: got %v, want %s", each.to, err, each.want)
		}
	}
	if _, _, err := asktell.ParseStudyFile("x.yaml", nil); err == nil || err.Error() != "x.yaml: is empty" {
		t.Error(err)
	}
}

func TestTheExamplesStudyFilesAreRead(t *testing.T) {
	needRepository(t)
	for path, parameters := range map[string]int{
		"../../examples/digits.yaml": 5, "../../examples/lora_finetune/study.yaml": 4,
	} {
		if _, spec, err := asktell.LoadStudyFile(path); err != nil || len(spec.Space) != parameters {
			t.Errorf("%s: %d parameters, %v", path, len(spec.Space), err)
		}
	}
	if _, _, err := asktell.LoadStudyFile("none.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
