package asktell

import (
	"fmt"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Space is what may be varied, in the order in which tables show it.
type Space []Parameter

// Parameter is one of [Float], [Int], [Discrete], [Categorical] and [Bool]. A default, where one is given, is a value
// known to work: the search starts from it, and enqueued trials may leave the parameter out.
type Parameter interface {
	encode() *pb.Parameter
}

// Scale says which differences of a number count as equal steps.
type Scale int

const (
	// Linear: equal differences matter equally.
	Linear Scale = iota
	// Log: equal ratios matter equally. For learning rates and the like.
	Log
	// ReverseLog resolves values near the maximum. For momentum and the like; float only.
	ReverseLog
)

// String is the scale's name in study files.
func (s Scale) String() string {
	if name, ok := scaleNames[s]; ok {
		return name
	}
	return fmt.Sprintf("Scale(%d)", int(s))
}

var scaleNames = map[Scale]string{Linear: "linear", Log: "log", ReverseLog: "reverse_log"}

var wireScales = map[Scale]pb.Scale{
	Linear: pb.Scale_SCALE_LINEAR, Log: pb.Scale_SCALE_LOG, ReverseLog: pb.Scale_SCALE_REVERSE_LOG,
}

// Float is a real number in [Min, Max]; with a Step, one of Min, Min + Step … .
type Float struct {
	Name     string
	Min, Max float64
	Scale    Scale
	Step     *float64
	Default  *float64
}

// Int is a whole number in [Min, Max], both ends within ±2^53; with a Step, one of Min, Min + Step … .
type Int struct {
	Name     string
	Min, Max int64
	Scale    Scale
	Step     *int64
	Default  *int64
}

// Discrete is one of 2 to 1,000 numbers in rising order, whose distances do not matter.
type Discrete[Number int64 | float64] struct {
	Name    string
	Values  []Number
	Default *Number
}

// Categorical is one of 2 to 1,000 names without an order.
type Categorical struct {
	Name    string
	Values  []string
	Default *string
}

// Bool is true or false.
type Bool struct {
	Name    string
	Default *bool
}

// unknownParameter stands for a kind of parameter that is newer than this client.
type unknownParameter struct{ wire *pb.Parameter }

func (p Float) encode() *pb.Parameter {
	domain := &pb.FloatDomain{Min: p.Min, Max: p.Max, Scale: wireScales[p.Scale], Step: p.Step}
	return &pb.Parameter{
		Name:         p.Name,
		Domain:       &pb.Parameter_FloatDomain{FloatDomain: domain},
		DefaultValue: encodeDefault(p.Default),
	}
}

func (p Int) encode() *pb.Parameter {
	domain := &pb.IntDomain{Min: p.Min, Max: p.Max, Scale: wireScales[p.Scale], Step: p.Step}
	return &pb.Parameter{
		Name:         p.Name,
		Domain:       &pb.Parameter_IntDomain{IntDomain: domain},
		DefaultValue: encodeDefault(p.Default),
	}
}

func (p Discrete[Number]) encode() *pb.Parameter {
	domain := &pb.DiscreteDomain{}
	for _, value := range p.Values {
		domain.Values = append(domain.Values, encodeDefault(&value))
	}
	return &pb.Parameter{
		Name:         p.Name,
		Domain:       &pb.Parameter_DiscreteDomain{DiscreteDomain: domain},
		DefaultValue: encodeDefault(p.Default),
	}
}

func (p Categorical) encode() *pb.Parameter {
	return &pb.Parameter{
		Name:         p.Name,
		Domain:       &pb.Parameter_CategoricalDomain{CategoricalDomain: &pb.CategoricalDomain{Values: p.Values}},
		DefaultValue: encodeDefault(p.Default),
	}
}

func (p Bool) encode() *pb.Parameter {
	return &pb.Parameter{
		Name:         p.Name,
		Domain:       &pb.Parameter_BoolDomain{BoolDomain: &pb.BoolDomain{}},
		DefaultValue: encodeDefault(p.Default),
	}
}

func (p unknownParameter) encode() *pb.Parameter { return p.wire }

func encodeDefault[T int64 | float64 | string | bool](value *T) *pb.ParameterValue {
	if value == nil {
		return nil
	}
	wire, err := encodeValue(*value, "")
	if err != nil {
		panic(err) // cannot be: T is one of the wire's own types
	}
	return wire
}

func encodeSpace(space Space) (*pb.SearchSpace, error) {
	wire := &pb.SearchSpace{}
	for i, parameter := range space {
		if parameter == nil {
			return nil, invalid(fmt.Sprintf("study.search_space.parameters[%d]", i), "must be a Float, Int, Discrete, Categorical or Bool, got nil")
		}
		wire.Parameters = append(wire.Parameters, parameter.encode())
	}
	return wire, nil
}
