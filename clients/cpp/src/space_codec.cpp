#include "spec_codec.hpp"
#include "status.hpp"
#include "values_codec.hpp"

namespace asktell {
namespace {

struct Encoder {
  v1::Parameter& wire;

  template <class T>
  void standard(const std::optional<T>& value) const {
    if (value) {
      encode(Value(*value), *wire.mutable_default_value());
    }
  }

  template <class Kind, class Domain>
  void range(const Kind& kind, Domain& domain) const {
    domain.set_min(kind.min);
    domain.set_max(kind.max);
    domain.set_scale(static_cast<v1::Scale>(kind.scale));
    if (kind.step) {
      domain.set_step(*kind.step);
    }
    standard(kind.default_value);
  }

  void operator()(const Float& kind) const { range(kind, *wire.mutable_float_domain()); }
  void operator()(const Int& kind) const { range(kind, *wire.mutable_int_domain()); }
  template <class Number>
  void operator()(const Discrete<Number>& kind) const {
    auto& domain = *wire.mutable_discrete_domain();
    for (const Number value : kind.values) {
      encode(Value(value), *domain.add_values());
    }
    standard(kind.default_value);
  }
  void operator()(const Categorical& kind) const {
    auto& domain = *wire.mutable_categorical_domain();
    for (const std::string& value : kind.values) {
      domain.add_values(value);
    }
    standard(kind.default_value);
  }
  void operator()(const Bool& kind) const {
    wire.mutable_bool_domain();
    standard(kind.default_value);
  }
  void operator()(const UnknownParameter& kind) const {
    throw invalid("study.search_space.parameters", "of a kind that this client does not know: " + kind.name);
  }
};

Scale decode_scale(v1::Scale wire) {
  return wire == v1::SCALE_LOG || wire == v1::SCALE_REVERSE_LOG ? static_cast<Scale>(wire) : Scale::linear;
}

template <class T>
std::optional<T> standard(const v1::Parameter& wire) {
  const std::optional<Value> value = decode(wire.default_value());
  if (value && std::holds_alternative<T>(*value)) {
    return std::get<T>(*value);
  }
  return std::nullopt;
}

// The contract allows an int as the default of a float.
std::optional<double> float_standard(const v1::Parameter& wire) {
  if (const auto whole = standard<std::int64_t>(wire)) {
    return static_cast<double>(*whole);
  }
  return standard<double>(wire);
}

Parameter decode_discrete(const v1::Parameter& wire) {
  Discrete<std::int64_t> ints{wire.name(), {}, standard<std::int64_t>(wire)};
  Discrete<double> floats{wire.name(), {}, float_standard(wire)};
  for (const auto& value : wire.discrete_domain().values()) {
    if (value.has_int_value()) {
      ints.values.push_back(value.int_value());
    } else {
      floats.values.push_back(value.double_value());
    }
  }
  return floats.values.empty() ? Parameter(ints) : Parameter(floats);
}

Parameter decode_parameter(const v1::Parameter& wire) {
  switch (wire.domain_case()) {
    case v1::Parameter::kFloatDomain: {
      const auto& domain = wire.float_domain();
      const auto step = domain.has_step() ? std::optional(domain.step()) : std::nullopt;
      return Float{wire.name(), domain.min(), domain.max(), decode_scale(domain.scale()), step, float_standard(wire)};
    }
    case v1::Parameter::kIntDomain: {
      const auto& domain = wire.int_domain();
      std::optional<std::int64_t> step;
      if (domain.has_step() && domain.step() != 1) {  // 1 is every whole number, which is what no step means
        step = domain.step();
      }
      return Int{
          wire.name(), domain.min(), domain.max(), decode_scale(domain.scale()), step, standard<std::int64_t>(wire)};
    }
    case v1::Parameter::kDiscreteDomain:
      return decode_discrete(wire);
    case v1::Parameter::kCategoricalDomain: {
      const auto& values = wire.categorical_domain().values();
      return Categorical{wire.name(), {values.begin(), values.end()}, standard<std::string>(wire)};
    }
    case v1::Parameter::kBoolDomain:
      return Bool{wire.name(), standard<bool>(wire)};
    case v1::Parameter::DOMAIN_NOT_SET:
      break;
  }
  return UnknownParameter{wire.name()};
}

}  // namespace

void encode(const Space& space, v1::SearchSpace& wire) {
  for (const Parameter& parameter : space) {
    v1::Parameter& each = *wire.add_parameters();
    each.set_name(name_of(parameter));
    std::visit(Encoder{each}, parameter);
  }
}

Space decode(const v1::SearchSpace& wire) {
  Space space;
  for (const auto& parameter : wire.parameters()) {
    space.push_back(decode_parameter(parameter));
  }
  return space;
}

}  // namespace asktell
