#pragma once

#include <asktell/v1/study.pb.h>
#include <asktell/v1/trial.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>

#include "asktell/study_info.hpp"
#include "asktell/trial.hpp"

namespace asktell {

Time decode_time(const google::protobuf::Timestamp& wire);
void encode_time(Time time, google::protobuf::Timestamp& wire);

StudyInfo decode(const v1::Study& wire);
TrialInfo decode(const v1::Trial& wire);
Measurement decode(const v1::Measurement& wire);
Prediction decode(const v1::Prediction& wire);
/// `unspecified` for values newer than this client.
Origin decode(v1::Origin wire);

/// The number at the end of a trial's name; 0 when there is none.
std::int64_t trial_number(const std::string& name);

}  // namespace asktell
