package asktell

import (
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

func decodeSpace(wire *pb.SearchSpace) Space {
	space := make(Space, 0, len(wire.GetParameters()))
	for _, parameter := range wire.GetParameters() {
		space = append(space, decodeParameter(parameter))
	}
	return space
}

func decodeParameter(wire *pb.Parameter) Parameter {
	name := wire.GetName()
	switch domain := wire.GetDomain().(type) {
	case *pb.Parameter_FloatDomain:
		float := domain.FloatDomain
		return Float{
			Name: name, Min: float.GetMin(), Max: float.GetMax(), Scale: decodeScale(float.GetScale()), Step: float.Step,
			Default: floatDefault(wire.GetDefaultValue()),
		}
	case *pb.Parameter_IntDomain:
		whole := domain.IntDomain
		step := whole.Step
		if whole.GetStep() == 1 {
			step = nil // every whole number, which is what no step means
		}
		return Int{
			Name: name, Min: whole.GetMin(), Max: whole.GetMax(), Scale: decodeScale(whole.GetScale()), Step: step,
			Default: decodeDefault[int64](wire.GetDefaultValue()),
		}
	case *pb.Parameter_DiscreteDomain:
		values := domain.DiscreteDomain.GetValues()
		if ints, ok := decodeNumbers[int64](values); ok {
			return Discrete[int64]{Name: name, Values: ints, Default: decodeDefault[int64](wire.GetDefaultValue())}
		}
		floats, _ := decodeNumbers[float64](values)
		return Discrete[float64]{Name: name, Values: floats, Default: floatDefault(wire.GetDefaultValue())}
	case *pb.Parameter_CategoricalDomain:
		return Categorical{
			Name:    name,
			Values:  domain.CategoricalDomain.GetValues(),
			Default: decodeDefault[string](wire.GetDefaultValue()),
		}
	case *pb.Parameter_BoolDomain:
		return Bool{Name: name, Default: decodeDefault[bool](wire.GetDefaultValue())}
	default:
		return unknownParameter{wire: wire}
	}
}

func decodeScale(wire pb.Scale) Scale {
	for scale, code := range wireScales {
		if code == wire {
			return scale
		}
	}
	return Linear
}

// decodeNumbers reports false when the list is not of the one kind.
func decodeNumbers[Number int64 | float64](wire []*pb.ParameterValue) ([]Number, bool) {
	numbers := make([]Number, 0, len(wire))
	for _, value := range wire {
		if number, ok := decodeValue(value).(Number); ok {
			numbers = append(numbers, number)
		}
	}
	return numbers, len(numbers) == len(wire)
}

func decodeDefault[T int64 | float64 | string | bool](wire *pb.ParameterValue) *T {
	if value, ok := decodeValue(wire).(T); ok {
		return &value
	}
	return nil
}

// floatDefault takes an int too: the contract allows one as the default of a float.
func floatDefault(wire *pb.ParameterValue) *float64 {
	if whole := decodeDefault[int64](wire); whole != nil {
		return new(float64(*whole))
	}
	return decodeDefault[float64](wire)
}
