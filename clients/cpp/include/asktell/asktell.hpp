#pragma once

/// @mainpage asktell for C++
/// Ask for a configuration, train, tell the validation loss back: begin with asktell::Client.

#include "asktell/client.hpp"
#include "asktell/enums.hpp"
#include "asktell/errors.hpp"
#include "asktell/spec.hpp"
#include "asktell/study.hpp"
#include "asktell/study_file.hpp"
#include "asktell/suggest.hpp"
#include "asktell/trial.hpp"
#include "asktell/values.hpp"
#include "asktell/watch.hpp"
