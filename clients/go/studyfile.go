package asktell

import (
	"fmt"
	"os"
	"slices"
)

// StudyFileError is a mistake in a study file.
type StudyFileError struct {
	File         string
	Line, Column int // from 1; 0 = not known
	Message      string
}

// Error begins with file:line:column.
func (e *StudyFileError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// LoadStudyFile reads a study's id and specification from a YAML file, whose format all clients and the command line
// share. Unknown keys are refused; ranges and names are left to the server to judge.
//
// Errors: [*StudyFileError], or that of the file system.
func LoadStudyFile(path string) (id string, spec StudySpec, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", StudySpec{}, fmt.Errorf("asktell: study file: %w", err)
	}
	return ParseStudyFile(path, data)
}

// ParseStudyFile is LoadStudyFile for a file that has been read already, for example embedded into the program. The
// path is for error messages only.
func ParseStudyFile(path string, data []byte) (id string, spec StudySpec, err error) {
	defer func() {
		switch mistake := recover().(type) {
		case nil:
		case *StudyFileError:
			mistake.File = path
			err = mistake
		default:
			panic(mistake)
		}
	}()
	id, spec = readStudy(parseYAML(data))
	return id, spec, nil
}

func readStudy(root node) (string, StudySpec) {
	keys := root.mapping(
		[]string{"name", "display_name", "objectives", "metrics", "parameters", "algorithm", "stopping", "lease",
			"max_running", "replicates", "max_staleness", "seed", "labels", "annotations"},
		"name", "objectives", "parameters")
	stopping := keys.part("stopping", "max_trials", "target", "patience", "deadline")
	lease := keys.part("lease", "duration_s", "max_attempts")
	spec := StudySpec{
		Space:        readSpace(keys.must("parameters")),
		Objectives:   readObjectives(keys.must("objectives")),
		Metrics:      readMetrics(keys),
		DisplayName:  optional(keys, "display_name", node.text),
		MaxRunning:   optional(keys, "max_running", node.count),
		Replicates:   optional(keys, "replicates", node.count),
		MaxStaleness: pointer(keys, "max_staleness", node.count),
		Seed:         pointer(keys, "seed", node.integer),
		Labels:       optional(keys, "labels", node.texts),
		Annotations:  optional(keys, "annotations", node.texts),
		Algorithm:    optional(keys, "algorithm", readAlgorithm),
		MaxTrials:    pointer(stopping, "max_trials", node.count),
		Target:       pointer(stopping, "target", node.number),
		Patience:     pointer(stopping, "patience", node.count),
		Deadline:     optional(stopping, "deadline", node.time),
		Lease:        optional(lease, "duration_s", node.lease),
		MaxAttempts:  optional(lease, "max_attempts", node.count),
	}
	return keys.must("name").text(), spec
}

var domainKeys = map[string][]string{
	"float":       {"min", "max", "scale", "step", "default"},
	"int":         {"min", "max", "scale", "step", "default"},
	"discrete":    {"values", "default"},
	"categorical": {"values", "default"},
	"bool":        {"default"},
}

func readSpace(parameters node) Space {
	var space Space
	for _, entry := range parameters.mapping(nil).entries {
		space = append(space, readParameter(entry.key, entry.value))
	}
	return space
}

func readParameter(name string, domain node) Parameter {
	kind := domain.mapping([]string{"type", "min", "max", "scale", "step", "values", "default"}, "type").
		must("type").choice("float", "int", "discrete", "categorical", "bool")
	var required []string
	for _, key := range []string{"min", "max", "values"} {
		if slices.Contains(domainKeys[kind], key) {
			required = append(required, key)
		}
	}
	keys := domain.mapping(append([]string{"type"}, domainKeys[kind]...), required...)
	switch kind {
	case "float":
		return Float{
			Name: name, Min: keys.must("min").number(), Max: keys.must("max").number(),
			Scale: readScale(keys, Linear, Log, ReverseLog),
			Step:  pointer(keys, "step", node.number), Default: pointer(keys, "default", node.number),
		}
	case "int":
		return Int{
			Name: name, Min: keys.must("min").integer(), Max: keys.must("max").integer(),
			Scale: readScale(keys, Linear, Log),
			Step:  pointer(keys, "step", node.integer), Default: pointer(keys, "default", node.integer),
		}
	case "discrete":
		values := keys.must("values").items()
		whole := !slices.ContainsFunc(values, func(value node) bool { return !value.isInteger() })
		if standard, ok := keys.get("default"); whole && (!ok || standard.isInteger()) {
			return Discrete[int64]{
				Name: name, Values: each(values, node.integer), Default: pointer(keys, "default", node.integer),
			}
		}
		return Discrete[float64]{
			Name: name, Values: each(values, node.number), Default: pointer(keys, "default", node.number),
		}
	case "categorical":
		return Categorical{
			Name: name, Values: each(keys.must("values").items(), node.text), Default: pointer(keys, "default", node.text),
		}
	default:
		return Bool{Name: name, Default: pointer(keys, "default", node.boolean)}
	}
}

func readScale(keys mapping, scales ...Scale) Scale {
	value, ok := keys.get("scale")
	if !ok {
		return Linear
	}
	chosen := value.choice(each(scales, Scale.String)...)
	return scales[slices.IndexFunc(scales, func(scale Scale) bool { return scale.String() == chosen })]
}

func readObjectives(list node) []Objective {
	return each(list.items(), func(item node) Objective {
		keys := item.mapping([]string{"metric", "goal", "split"}, "metric", "goal")
		return Objective{
			Metric: keys.must("metric").text(),
			Goal:   Goal(keys.must("goal").choice(string(GoalMinimize), string(GoalMaximize))),
			Split:  readSplit(keys),
		}
	})
}

func readMetrics(study mapping) []TrackedMetric {
	list, ok := study.get("metrics")
	if !ok {
		return nil
	}
	return each(list.items(), func(item node) TrackedMetric {
		if !item.isMapping() {
			return TrackedMetric{Metric: item.text(), Split: SplitValidation}
		}
		keys := item.mapping([]string{"metric", "split"}, "metric")
		return TrackedMetric{Metric: keys.must("metric").text(), Split: readSplit(keys)}
	})
}

func readSplit(keys mapping) Split {
	value, ok := keys.get("split")
	if !ok {
		return SplitValidation
	}
	return Split(value.choice(string(SplitValidation), string(SplitTrain), string(SplitTest)))
}

var algorithmNames = []string{"auto", "manual", "grid", "random", "sobol", "bayesian"}

// readAlgorithm takes a name, or a mapping of one name to its settings.
func readAlgorithm(value node) Algorithm {
	if !value.isMapping() {
		return algorithm(value.choice(algorithmNames...), mapping{})
	}
	chosen := value.mapping(algorithmNames)
	if len(chosen.entries) != 1 {
		value.refuse("must name one algorithm")
	}
	entry := chosen.entries[0]
	known := map[string][]string{"grid": {"default_levels", "levels"}, "bayesian": {"start_trials"}}
	settings := entry.value.mapping(append([]string{}, known[entry.key]...))
	return algorithm(entry.key, settings)
}

func algorithm(name string, settings mapping) Algorithm {
	switch name {
	case "manual":
		return Manual{}
	case "random":
		return Random{}
	case "sobol":
		return Sobol{}
	case "bayesian":
		return Bayesian{StartTrials: optional(settings, "start_trials", node.count)}
	case "grid":
		grid := Grid{DefaultLevels: optional(settings, "default_levels", node.count)}
		if levels, ok := settings.get("levels"); ok {
			grid.Levels = make(map[string]int)
			for _, entry := range levels.mapping(nil).entries {
				grid.Levels[entry.key] = entry.value.count()
			}
		}
		return grid
	default:
		return Auto{}
	}
}
