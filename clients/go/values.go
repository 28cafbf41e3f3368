package asktell

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Params is a configuration: a value for each parameter. Values that come from a server are of type float64, int64,
// string or bool; those that go to one may also be of other integer types, float32, or types based on these.
//
// The methods are for programs that know the space. Like an index out of range, a name that the space does not have,
// or a value of another kind, is a mistake in the program: they panic.
type Params map[string]any

// Float returns a number: of a float, int or discrete parameter.
func (p Params) Float(name string) float64 {
	switch value := p[name].(type) {
	case float64:
		return value
	case int64:
		return float64(value)
	}
	panic(p.mistake(name, "a number"))
}

// Int returns a whole number: of an int or discrete parameter.
func (p Params) Int(name string) int {
	if value, ok := p[name].(int64); ok && int64(int(value)) == value {
		return int(value)
	}
	panic(p.mistake(name, "an int"))
}

// Category returns the value of a categorical parameter.
func (p Params) Category(name string) string {
	if value, ok := p[name].(string); ok {
		return value
	}
	panic(p.mistake(name, "a category"))
}

// Bool returns the value of a bool parameter.
func (p Params) Bool(name string) bool {
	if value, ok := p[name].(bool); ok {
		return value
	}
	panic(p.mistake(name, "a bool"))
}

func (p Params) mistake(name, wanted string) string {
	if value, ok := p[name]; ok {
		return fmt.Sprintf("asktell: parameter %q is not %s: %v of type %T", name, wanted, value, value)
	}
	return fmt.Sprintf("asktell: no parameter %q in %v", name, map[string]any(p))
}

func encodeParams(params Params, where string) (map[string]*pb.ParameterValue, error) {
	wire := make(map[string]*pb.ParameterValue, len(params))
	for name, value := range params {
		var err error
		if wire[name], err = encodeValue(value, where+".params["+strconv.Quote(name)+"]"); err != nil {
			return nil, err
		}
	}
	return wire, nil
}

// encodeValue keeps a value's kind: an integer never becomes a double.
func encodeValue(value any, where string) (*pb.ParameterValue, error) {
	v := reflect.ValueOf(value)
	switch {
	case v.Kind() == reflect.Bool:
		return &pb.ParameterValue{Kind: &pb.ParameterValue_BoolValue{BoolValue: v.Bool()}}, nil
	case v.Kind() == reflect.String:
		return &pb.ParameterValue{Kind: &pb.ParameterValue_StringValue{StringValue: v.String()}}, nil
	case v.CanInt():
		return intValue(v.Int()), nil
	case v.CanUint() && v.Uint() <= math.MaxInt64:
		return intValue(int64(v.Uint())), nil
	case v.CanFloat():
		return floatValue(v.Float()), nil
	}
	return nil, invalid(where, "must be a number, a string or a bool, got %v of type %T", value, value)
}

func intValue(value int64) *pb.ParameterValue {
	return &pb.ParameterValue{Kind: &pb.ParameterValue_IntValue{IntValue: value}}
}

func floatValue(value float64) *pb.ParameterValue {
	return &pb.ParameterValue{Kind: &pb.ParameterValue_DoubleValue{DoubleValue: value}}
}

func decodeParams(wire map[string]*pb.ParameterValue) Params {
	params := make(Params, len(wire))
	for name, value := range wire {
		params[name] = decodeValue(value)
	}
	return params
}

// decodeValue returns nil for a kind that is newer than this client.
func decodeValue(wire *pb.ParameterValue) any {
	switch kind := wire.GetKind().(type) {
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

// Metrics are measured values by name. NaN and infinities are for the server to refuse, in the same words everywhere.
type Metrics map[string]float64

// StandardErrors are standard errors of metrics by name, where they are known. They are also an option of Tell, Stop,
// Report and Amend.
type StandardErrors map[string]float64

func encodeMetrics(metrics Metrics, deviations StandardErrors) (map[string]*pb.Metric, error) {
	wire := make(map[string]*pb.Metric, len(metrics))
	for name, value := range metrics {
		wire[name] = &pb.Metric{Value: value}
	}
	for name, deviation := range deviations {
		if wire[name] == nil {
			return nil, invalid("standard_errors["+name+"]", "there is no metric of that name beside it")
		}
		wire[name].StandardError = &deviation
	}
	return wire, nil
}

func decodeMetrics(wire map[string]*pb.Metric) (Metrics, StandardErrors) {
	metrics := make(Metrics, len(wire))
	deviations := StandardErrors{}
	for name, metric := range wire {
		metrics[name] = metric.GetValue()
		if metric.StandardError != nil {
			deviations[name] = metric.GetStandardError()
		}
	}
	return metrics, deviations
}

func encodeTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func decodeTime(wire *timestamppb.Timestamp) time.Time {
	if wire == nil {
		return time.Time{}
	}
	return wire.AsTime()
}

// encodeInt32 is for counts, which are ints in Go and 32 bits wide on the wire.
func encodeInt32(value int, where string) (int32, error) {
	if int(int32(value)) != value {
		return 0, invalid(where, "must fit 32 bits, got %d", value)
	}
	return int32(value), nil
}
