#pragma once

#include <asktell/v1/search_space.pb.h>
#include <asktell/v1/study.pb.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <vector>

#include "asktell/spec.hpp"

namespace asktell {

/// Throws InvalidArgument for an UnknownParameter; everything else is for the server to judge.
void encode(const Space& space, v1::SearchSpace& wire);
void encode(const std::vector<Objective>& objectives, google::protobuf::RepeatedPtrField<v1::Objective>& wire);
void encode(const Algorithm& algorithm, v1::Algorithm& wire);
void encode(const StudySpec& spec, v1::Study& wire);

Space decode(const v1::SearchSpace& wire);
/// Fills the defaults in, so that what a server wrote out equals what a program left out.
StudySpec decode_spec(const v1::Study& wire);

}  // namespace asktell
