#include "values_codec.hpp"

namespace asktell {

void encode(const Value& value, v1::ParameterValue& wire) {
  struct Encoder {
    v1::ParameterValue& wire;
    void operator()(double number) const { wire.set_double_value(number); }
    void operator()(std::int64_t number) const { wire.set_int_value(number); }
    void operator()(const std::string& text) const { wire.set_string_value(text); }
    void operator()(bool flag) const { wire.set_bool_value(flag); }
  };
  std::visit(Encoder{wire}, value);
}

void encode(const Params& params, WireParams& wire) {
  for (const auto& [name, value] : params) {
    encode(value, wire[name]);
  }
}

void encode(const Metrics& metrics, WireMetrics& wire) {
  for (const auto& [name, metric] : metrics) {
    v1::Metric& each = wire[name];
    each.set_value(metric.value);
    if (metric.standard_error) {
      each.set_standard_error(*metric.standard_error);
    }
  }
}

void encode(const Texts& texts, WireTexts& wire) {
  for (const auto& [key, text] : texts) {
    wire[key] = text;
  }
}

std::optional<Value> decode(const v1::ParameterValue& wire) {
  switch (wire.kind_case()) {
    case v1::ParameterValue::kDoubleValue:
      return wire.double_value();
    case v1::ParameterValue::kIntValue:
      return wire.int_value();
    case v1::ParameterValue::kStringValue:
      return wire.string_value();
    case v1::ParameterValue::kBoolValue:
      return wire.bool_value();
    case v1::ParameterValue::KIND_NOT_SET:
      break;
  }
  return std::nullopt;
}

Params decode(const WireParams& wire) {
  Params params;
  for (const auto& [name, value] : wire) {
    if (auto known = decode(value)) {
      params.set(name, *std::move(known));
    }
  }
  return params;
}

Metrics decode(const WireMetrics& wire) {
  Metrics metrics;
  for (const auto& [name, metric] : wire) {
    const auto error = metric.has_standard_error() ? std::optional(metric.standard_error()) : std::nullopt;
    metrics.emplace(name, Metric(metric.value(), error));
  }
  return metrics;
}

Texts decode(const WireTexts& wire) { return {wire.begin(), wire.end()}; }

}  // namespace asktell
