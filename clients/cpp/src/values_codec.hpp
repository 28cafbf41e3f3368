#pragma once

#include <asktell/v1/search_space.pb.h>
#include <asktell/v1/trial.pb.h>
#include <google/protobuf/map.h>

#include <string>

#include "asktell/values.hpp"

namespace asktell {

using WireParams = google::protobuf::Map<std::string, v1::ParameterValue>;
using WireMetrics = google::protobuf::Map<std::string, v1::Metric>;
using WireTexts = google::protobuf::Map<std::string, std::string>;

/// Keeps a value's kind: an integer never becomes a double.
void encode(const Value& value, v1::ParameterValue& wire);
void encode(const Params& params, WireParams& wire);
void encode(const Metrics& metrics, WireMetrics& wire);
void encode(const Texts& texts, WireTexts& wire);

/// Unset for a kind that is newer than this client.
std::optional<Value> decode(const v1::ParameterValue& wire);
/// A parameter of an unknown kind is left out.
Params decode(const WireParams& wire);
Metrics decode(const WireMetrics& wire);
Texts decode(const WireTexts& wire);

}  // namespace asktell
