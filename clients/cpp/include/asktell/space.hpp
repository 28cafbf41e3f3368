#pragma once

#include <asktell/v1/study.pb.h>

#include <vector>

#include "asktell/values.hpp"

/// @file
/// Search spaces and objectives, written in short. Each of these builds a message of the contract:
/// `*study.mutable_search_space() = asktell::space({asktell::Float("lr", 1e-5, 1e-3).log()});`

namespace asktell {

/// What the parameters of all kinds share. It converts to the message.
template <class Kind, class Type>
class Parameter {
 public:
  /// A value that is known to work: the search starts from it, and enqueued trials may leave the parameter out.
  Kind& default_value(const Type& value) {
    *message_.mutable_default_value() = Value(value);
    return static_cast<Kind&>(*this);
  }
  /// The parameter exists only while another one has one of the values: `.when("opt", {"sgd"})`. Configurations of
  /// other values do not have it. The other one has finitely many values, and may itself have a condition.
  Kind& when(std::string parent, const std::vector<Value>& values) {
    v1::Condition& condition = *message_.mutable_condition();
    condition.set_parent(std::move(parent));
    *condition.mutable_values() = {values.begin(), values.end()};
    return static_cast<Kind&>(*this);
  }

  /// The server never chooses it: every ask states it, by fixed(), and so do queued and imported trials.
  Kind& context() {
    message_.set_context(true);
    return static_cast<Kind&>(*this);
  }

  /// How likely each value is to be a good one, in the domain's order (false before true): for discrete, categorical
  /// and bool parameters. Weights are at least 0 and need not sum to 1.
  Kind& weights_prior(const std::vector<double>& weights) {
    *message_.mutable_prior()->mutable_weights()->mutable_weights() = {weights.begin(), weights.end()};
    return static_cast<Kind&>(*this);
  }
  /// Good values are believed to lie around `mean`: for float, int and discrete parameters. The standard deviation is a
  /// fraction of the range on the parameter's own scale, in (0, 1].
  Kind& normal_prior(double mean, double relative_standard_deviation) {
    message_.mutable_prior()->mutable_normal()->set_mean(mean);
    message_.mutable_prior()->mutable_normal()->set_relative_standard_deviation(relative_standard_deviation);
    return static_cast<Kind&>(*this);
  }

  /// The message, for fields that have no method here.
  [[nodiscard]] v1::Parameter& message() noexcept { return message_; }
  operator const v1::Parameter&() const noexcept { return message_; }

 protected:
  explicit Parameter(std::string name) { message_.set_name(std::move(name)); }

 private:
  v1::Parameter message_;
};

/// What Float and Int share: a number in [min, max].
template <class Kind, class Number>
class Range : public Parameter<Kind, Number> {
 public:
  Range(std::string name, Number min, Number max) : Parameter<Kind, Number>(std::move(name)) {
    domain().set_min(min);
    domain().set_max(max);
  }
  /// Equal ratios matter equally: for learning rates and the like.
  Kind& log() {
    domain().set_scale(v1::SCALE_LOG);
    return static_cast<Kind&>(*this);
  }
  /// Takes only min, min + step … .
  Kind& step(Number step) {
    domain().set_step(step);
    return static_cast<Kind&>(*this);
  }

 protected:
  auto& domain() {
    if constexpr (std::is_floating_point_v<Number>) {
      return *this->message().mutable_float_domain();
    } else {
      return *this->message().mutable_int_domain();
    }
  }
};

/// A real number in [min, max].
class Float : public Range<Float, double> {
 public:
  using Range::Range;
  /// Resolves values near the maximum: for momentum and the like.
  Float& reverse_log() {
    domain().set_scale(v1::SCALE_REVERSE_LOG);
    return *this;
  }
};

/// A whole number in [min, max], both ends within ±2^53.
class Int : public Range<Int, std::int64_t> {
 public:
  using Range::Range;
};

/// One of 2 to 1,000 numbers in rising order, whose distances do not matter: all whole, or all floating.
template <class Number>
class Discrete : public Parameter<Discrete<Number>, Number> {
 public:
  Discrete(std::string name, const std::vector<Number>& values) : Parameter<Discrete, Number>(std::move(name)) {
    for (const Number value : values) {
      *this->message().mutable_discrete_domain()->add_values() = Value(value);
    }
  }
  Discrete(std::string name, std::initializer_list<Number> values)
      : Discrete(std::move(name), std::vector<Number>(values)) {}
};

/// One of 2 to 1,000 names without an order.
class Categorical : public Parameter<Categorical, std::string> {
 public:
  Categorical(std::string name, const std::vector<std::string>& values) : Parameter(std::move(name)) {
    *message().mutable_categorical_domain()->mutable_values() = {values.begin(), values.end()};
  }
};

/// True or false.
class Bool : public Parameter<Bool, bool> {
 public:
  explicit Bool(std::string name) : Parameter(std::move(name)) { message().mutable_bool_domain(); }
};

/// What may be varied, in the order in which tables show it.
inline v1::SearchSpace space(const std::vector<v1::Parameter>& parameters) {
  v1::SearchSpace space;
  *space.mutable_parameters() = {parameters.begin(), parameters.end()};
  return space;
}

/// The space with linear constraints on numeric parameters, such as "width + 2*depth <= 64" or "low <= high": no
/// configuration breaks one. v1::SearchSpace::parameter_constraints has what they may say.
inline v1::SearchSpace with_constraints(v1::SearchSpace space, const std::vector<std::string>& constraints) {
  for (const std::string& constraint : constraints) {
    space.add_parameter_constraints(constraint);
  }
  return space;
}

/// The space with a value that follows from other parameters by arithmetic, such as "batch_size * accumulate", and is
/// delivered with the configuration; v1::DerivedParameter has what an expression may say.
inline v1::SearchSpace with_derived(v1::SearchSpace space, std::string name, std::string expression) {
  v1::DerivedParameter& derived = *space.add_derived_parameters();
  derived.set_name(std::move(name));
  derived.set_expression(std::move(expression));
  return space;
}

/// An objective on validation data of which less is better.
inline v1::Objective minimize(std::string metric) {
  v1::Objective objective;
  objective.set_metric(std::move(metric));
  objective.set_goal(v1::GOAL_MINIMIZE);
  return objective;
}

/// An objective on validation data of which more is better.
inline v1::Objective maximize(std::string metric) {
  v1::Objective objective = minimize(std::move(metric));
  objective.set_goal(v1::GOAL_MAXIMIZE);
  return objective;
}

/// The objective with its reference: beside other objectives, the worst value still of interest, from which the
/// hypervolume is measured.
inline v1::Objective with_reference(v1::Objective objective, double worst) {
  objective.set_reference_value(worst);
  return objective;
}

/// An outcome constraint: the metric of a good trial is at most the bound.
inline v1::OutcomeConstraint at_most(std::string metric, double bound) {
  v1::OutcomeConstraint constraint;
  constraint.set_metric(std::move(metric));
  constraint.set_max(bound);
  return constraint;
}

/// An outcome constraint: the metric of a good trial is at least the bound.
inline v1::OutcomeConstraint at_least(std::string metric, double bound) {
  v1::OutcomeConstraint constraint;
  constraint.set_metric(std::move(metric));
  constraint.set_min(bound);
  return constraint;
}

/// The constraint with a bound that is that many times the value of the study's baseline trial: the first imported one,
/// or the one that baseline_trial names.
inline v1::OutcomeConstraint of_baseline(v1::OutcomeConstraint constraint) {
  constraint.set_of_baseline(true);
  return constraint;
}

}  // namespace asktell
