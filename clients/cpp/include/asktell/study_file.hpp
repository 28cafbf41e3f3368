#pragma once

#include <string>

#include "asktell/spec.hpp"

namespace asktell {

/// What a study file holds.
struct StudyFile {
  std::string id;
  StudySpec spec;
};

/// Reads the YAML file that all clients and the command line share. Unknown keys are refused; ranges and names are left
/// to the server to judge. @throws StudyFileError.
StudyFile load_study_file(const std::string& path);

/// load_study_file for a text that is there already; the path is for error messages only.
StudyFile parse_study_file(const std::string& text, const std::string& path = "study file");

}  // namespace asktell
