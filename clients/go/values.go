package asktell

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Value is what a parameter may be. An int never becomes a float, nor the other way round.
type Value interface {
	int | int64 | float64 | string | bool
}

// ValueOf is a parameter's value as the contract has it, for [Params].
func ValueOf[T Value](value T) *pb.ParameterValue {
	made := &pb.ParameterValue{}
	switch value := any(value).(type) {
	case bool:
		made.Kind = &pb.ParameterValue_BoolValue{BoolValue: value}
	case string:
		made.Kind = &pb.ParameterValue_StringValue{StringValue: value}
	case int:
		made.Kind = &pb.ParameterValue_IntValue{IntValue: int64(value)}
	case int64:
		made.Kind = &pb.ParameterValue_IntValue{IntValue: value}
	case float64:
		made.Kind = &pb.ParameterValue_DoubleValue{DoubleValue: value}
	}
	return made
}

// Params is a configuration: a value for each parameter, derived ones too.
//
// The typed methods are for programs that know the space. Like an index out of range, a name that the space does not
// have, or a value of another kind, is a mistake in the program: they panic. [Params.Any] asks.
type Params map[string]*pb.ParameterValue

// ParamsOf is the configuration of a trial or suggestion, with its derived parameters. The map is shared where there are none: do not
// change it.
func ParamsOf(record interface {
	GetParameters() map[string]*pb.ParameterValue
	GetDerivedParameters() map[string]*pb.ParameterValue
}) Params {
	derived := record.GetDerivedParameters()
	if len(derived) == 0 {
		return record.GetParameters()
	}
	params := maps.Clone(record.GetParameters())
	maps.Copy(params, derived)
	return params
}

// Float returns a number: of a float, int or discrete parameter.
func (p Params) Float(name string) float64 {
	switch value := p.Any(name).(type) {
	case float64:
		return value
	case int64:
		return float64(value)
	}
	panic(p.mistake(name, "a number"))
}

// Int returns a whole number: of an int or discrete parameter.
func (p Params) Int(name string) int { return int(typed[int64](p, name, "an int")) }

// Category returns the value of a categorical parameter.
func (p Params) Category(name string) string { return typed[string](p, name, "a category") }

// Bool returns the value of a bool parameter.
func (p Params) Bool(name string) bool { return typed[bool](p, name, "a bool") }

func typed[T any](p Params, name, wanted string) T {
	if value, ok := p.Any(name).(T); ok {
		return value
	}
	panic(p.mistake(name, wanted))
}

// Any returns the value as a float64, int64, string or bool; nil when there is none, or one of a kind that is newer than
// this client.
func (p Params) Any(name string) any {
	switch kind := p[name].GetKind().(type) {
	case *pb.ParameterValue_DoubleValue:
		return kind.DoubleValue
	case *pb.ParameterValue_IntValue:
		return kind.IntValue
	case *pb.ParameterValue_StringValue:
		return kind.StringValue
	case *pb.ParameterValue_BoolValue:
		return kind.BoolValue
	}
	return nil
}

// String is name=value for each parameter, by name.
func (p Params) String() string {
	words := make([]string, 0, len(p))
	for _, name := range slices.Sorted(maps.Keys(p)) {
		words = append(words, fmt.Sprintf("%s=%v", name, p.Any(name)))
	}
	return strings.Join(words, " ")
}

func (p Params) mistake(name, wanted string) string {
	if value := p.Any(name); value != nil {
		return fmt.Sprintf("asktell: parameter %q is not %s: %v of type %T", name, wanted, value, value)
	}
	return fmt.Sprintf("asktell: no parameter %q in %v", name, p)
}

// Metrics are measured values by name. NaN and infinities are for the server to refuse, in the same words everywhere.
type Metrics map[string]float64

// StandardErrors are standard errors of metrics by name, where they are known.
type StandardErrors map[string]float64

// Records are the metrics as records have them, with their standard errors.
//
// Errors: [ErrInvalidArgument], a standard error without a metric of its name.
func (m Metrics) Records(deviations ...StandardErrors) (map[string]*pb.Metric, error) {
	records := make(map[string]*pb.Metric, len(m))
	for name, value := range m {
		records[name] = &pb.Metric{Value: value}
	}
	for _, each := range deviations {
		for name, deviation := range each {
			if records[name] == nil {
				return nil, invalid("metrics["+name+"]", "is missing: there is a standard error of that name, and no metric")
			}
			records[name].StandardError = &deviation
		}
	}
	return records, nil
}

// ValuesOf are the values of a record's metrics.
func ValuesOf(records map[string]*pb.Metric) Metrics {
	metrics := make(Metrics, len(records))
	for name, record := range records {
		metrics[name] = record.GetValue()
	}
	return metrics
}
