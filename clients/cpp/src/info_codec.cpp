#include "info_codec.hpp"

#include <cstdlib>

#include "spec_codec.hpp"
#include "values_codec.hpp"

namespace asktell {
namespace {

template <class Enum, class Wire>
Enum known(Wire wire, Enum last) {
  const int number = static_cast<int>(wire);
  return number >= 0 && number <= static_cast<int>(last) ? static_cast<Enum>(number) : Enum::unspecified;
}

TrialState decode_state(v1::TrialState wire) { return known(wire, TrialState::abandoned); }

template <class Message>
std::optional<Time> when(bool is_set, const Message& wire) {
  return is_set ? std::optional(decode_time(wire)) : std::nullopt;
}

TrialCounts decode_counts(const v1::TrialCounts& wire) {
  return {wire.queued(), wire.running(),    wire.succeeded(), wire.stopped(),
          wire.failed(), wire.infeasible(), wire.cancelled(), wire.abandoned()};
}

constexpr std::string_view warning_prefix = "WARNING_KIND_";

}  // namespace

Time decode_time(const google::protobuf::Timestamp& wire) {
  return Time(std::chrono::duration_cast<Time::duration>(std::chrono::seconds(wire.seconds()) +
                                                         std::chrono::nanoseconds(wire.nanos())));
}

void encode_time(Time time, google::protobuf::Timestamp& wire) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  wire.set_seconds(whole.time_since_epoch().count());
  wire.set_nanos(static_cast<int>(std::chrono::duration_cast<std::chrono::nanoseconds>(time - whole).count()));
}

Origin decode(v1::Origin wire) { return known(wire, Origin::sampler); }

Measurement decode(const v1::Measurement& wire) {
  return {wire.step(), decode(wire.metrics()), when(wire.has_report_time(), wire.report_time())};
}

Prediction decode(const v1::Prediction& wire) {
  return {wire.mean(), wire.standard_deviation(), wire.acquisition_value()};
}

StudyInfo decode(const v1::Study& wire) {
  StudyInfo info;
  info.name = wire.name();
  info.spec = decode_spec(wire);
  info.state = known(wire.state(), StudyState::finished);
  info.finish_reason = known(wire.finish_reason(), FinishReason::exhausted);
  info.counts = decode_counts(wire.trial_counts());
  for (const auto& warning : wire.warnings()) {
    const std::string kind = v1::WarningKind_Name(warning.kind());
    const auto from = kind.rfind(warning_prefix, 0) == 0 ? warning_prefix.size() : 0;
    info.warnings.push_back({kind.substr(from), warning.field(), warning.message()});
  }
  info.create_time = when(wire.has_create_time(), wire.create_time());
  info.update_time = when(wire.has_update_time(), wire.update_time());
  info.finish_time = when(wire.has_finish_time(), wire.finish_time());
  info.etag = wire.etag();
  info.cursor = wire.cursor();
  if (wire.has_configuration_count()) {
    info.configuration_count = wire.configuration_count();
  }
  return info;
}

TrialInfo decode(const v1::Trial& wire) {
  TrialInfo info;
  info.name = wire.name();
  info.number = wire.number();
  info.state = decode_state(wire.state());
  info.params = decode(wire.parameters());
  info.origin = decode(wire.origin());
  info.metrics = decode(wire.metrics());
  info.reason = wire.reason();
  info.attempt = wire.attempt();
  info.worker_id = wire.worker_id();
  info.create_time = when(wire.has_create_time(), wire.create_time());
  info.start_time = when(wire.has_start_time(), wire.start_time());
  info.finish_time = when(wire.has_finish_time(), wire.finish_time());
  info.labels = decode(wire.labels());
  info.annotations = decode(wire.annotations());
  if (wire.has_prediction()) {
    info.prediction = decode(wire.prediction());
  }
  for (const auto& amendment : wire.amendments()) {
    info.amendments.push_back({when(amendment.has_amend_time(), amendment.amend_time()),
                               decode_state(amendment.previous_state()), decode(amendment.previous_metrics()),
                               amendment.previous_reason(), amendment.reason()});
  }
  for (const auto& result : wire.superseded_results()) {
    info.superseded_results.push_back({when(result.has_tell_time(), result.tell_time()), decode_state(result.state()),
                                       decode(result.metrics()), result.reason()});
  }
  info.import_key = wire.import_key();
  info.measurement_count = wire.measurement_count();
  for (const auto& measurement : wire.measurements()) {
    info.measurements.push_back(decode(measurement));
  }
  return info;
}

std::int64_t trial_number(const std::string& name) {
  return std::strtoll(name.c_str() + name.rfind('/') + 1, nullptr, 10);
}

}  // namespace asktell
