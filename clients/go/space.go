package asktell

import (
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Space is what may be varied, in the order in which tables show it: see [Float], [Int], [Discrete], [Categorical] and
// [Bool].
func Space(parameters ...*pb.Parameter) *pb.SearchSpace {
	return &pb.SearchSpace{Parameters: parameters}
}

// WithConstraints adds linear constraints on numeric parameters, such as "width + 2*depth <= 64" or "low <= high": no configuration breaks
// one. See ParameterConstraints in the contract for what they may say.
func WithConstraints(space *pb.SearchSpace, constraints ...string) *pb.SearchSpace {
	space.ParameterConstraints = append(space.ParameterConstraints, constraints...)
	return space
}

// WithDerived adds a value that follows from other parameters by arithmetic, such as "batch_size * accumulate", and is delivered with the
// configuration: [Trial.Params] has it. See DerivedParameter in the contract for what an expression may say.
func WithDerived(space *pb.SearchSpace, name, expression string) *pb.SearchSpace {
	space.DerivedParameters = append(space.DerivedParameters, &pb.DerivedParameter{Name: name, Expression: expression})
	return space
}

// ParameterOption says more about a parameter: [Log], [ReverseLog], [Step], [Default], [When], [Context], [NormalPrior],
// [WeightsPrior].
type ParameterOption func(*pb.Parameter)

// Log makes equal ratios matter equally, for learning rates and the like; float and int parameters.
func Log(parameter *pb.Parameter) { setScale(parameter, pb.Scale_SCALE_LOG) }

// ReverseLog resolves values near the maximum, for momentum and the like; float parameters.
func ReverseLog(parameter *pb.Parameter) { setScale(parameter, pb.Scale_SCALE_REVERSE_LOG) }

func setScale(parameter *pb.Parameter, scale pb.Scale) {
	if domain := parameter.GetFloatDomain(); domain != nil {
		domain.Scale = scale
	}
	if domain := parameter.GetIntDomain(); domain != nil {
		domain.Scale = scale
	}
}

// Step allows only the minimum and whole steps above it; float and int parameters.
func Step[Number int | int64 | float64](step Number) ParameterOption {
	return func(parameter *pb.Parameter) {
		if domain := parameter.GetFloatDomain(); domain != nil {
			domain.Step = new(float64(step))
		}
		if domain := parameter.GetIntDomain(); domain != nil {
			domain.Step = new(int64(step))
		}
	}
}

// Default is a value known to work: the search starts from it, and enqueued trials may leave the parameter out.
func Default[T Value](value T) ParameterOption {
	return func(parameter *pb.Parameter) { parameter.DefaultValue = ValueOf(value) }
}

// When lets the parameter exist only while another one has one of the values; configurations of other values do not have
// it. The other one has finitely many values and may itself depend on a third.
func When[T Value](parent string, values ...T) ParameterOption {
	return func(parameter *pb.Parameter) {
		condition := &pb.Condition{Parent: parent}
		for _, value := range values {
			condition.Values = append(condition.Values, ValueOf(value))
		}
		parameter.Condition = condition
	}
}

// Context makes the parameter one that the server never chooses: every ask states it, by [Fixed], and so do queued and imported trials.
func Context(parameter *pb.Parameter) { parameter.Context = true }

// NormalPrior says that good values are believed to lie around mean; float, int and discrete parameters. The standard
// deviation is a fraction of the range on the parameter's own scale, in (0, 1].
func NormalPrior(mean, relativeStandardDeviation float64) ParameterOption {
	return func(parameter *pb.Parameter) {
		normal := &pb.NormalPrior{Mean: mean, RelativeStandardDeviation: relativeStandardDeviation}
		parameter.Prior = &pb.Prior{Kind: &pb.Prior_Normal{Normal: normal}}
	}
}

// WeightsPrior says how likely each value is to be a good one, in the domain's order (false before true); discrete,
// categorical and bool parameters. Weights are at least 0 and need not sum to 1.
func WeightsPrior(weights ...float64) ParameterOption {
	return func(parameter *pb.Parameter) {
		parameter.Prior = &pb.Prior{Kind: &pb.Prior_Weights{Weights: &pb.WeightsPrior{Weights: weights}}}
	}
}

// Float is a real number in [min, max].
func Float(name string, low, high float64, options ...ParameterOption) *pb.Parameter {
	domain := &pb.FloatDomain{Min: low, Max: high, Scale: pb.Scale_SCALE_LINEAR}
	return parameter(&pb.Parameter{Name: name, Domain: &pb.Parameter_FloatDomain{FloatDomain: domain}}, options)
}

// Int is a whole number in [min, max], both ends within ±2^53.
func Int(name string, low, high int64, options ...ParameterOption) *pb.Parameter {
	domain := &pb.IntDomain{Min: low, Max: high, Scale: pb.Scale_SCALE_LINEAR}
	return parameter(&pb.Parameter{Name: name, Domain: &pb.Parameter_IntDomain{IntDomain: domain}}, options)
}

// Discrete is one of 2 to 1,000 numbers in rising order, whose distances do not matter.
func Discrete[Number int | int64 | float64](name string, values []Number, options ...ParameterOption) *pb.Parameter {
	domain := &pb.DiscreteDomain{}
	for _, value := range values {
		domain.Values = append(domain.Values, ValueOf(value))
	}
	return parameter(&pb.Parameter{Name: name, Domain: &pb.Parameter_DiscreteDomain{DiscreteDomain: domain}}, options)
}

// Categorical is one of 2 to 1,000 names without an order.
func Categorical(name string, values []string, options ...ParameterOption) *pb.Parameter {
	domain := &pb.Parameter_CategoricalDomain{CategoricalDomain: &pb.CategoricalDomain{Values: values}}
	return parameter(&pb.Parameter{Name: name, Domain: domain}, options)
}

// Bool is true or false.
func Bool(name string, options ...ParameterOption) *pb.Parameter {
	return parameter(&pb.Parameter{Name: name, Domain: &pb.Parameter_BoolDomain{BoolDomain: &pb.BoolDomain{}}}, options)
}

func parameter(made *pb.Parameter, options []ParameterOption) *pb.Parameter {
	for _, option := range options {
		option(made)
	}
	return made
}
