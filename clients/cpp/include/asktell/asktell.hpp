#pragma once

/// @mainpage asktell for C++
/// Ask for a configuration, train, tell the validation loss back: begin with asktell::Client. Studies and trials are
/// messages of the contract, asktell::v1, generated from its proto files.

#include "asktell/client.hpp"
#include "asktell/early_stopping.hpp"
#include "asktell/errors.hpp"
#include "asktell/space.hpp"
#include "asktell/study.hpp"
#include "asktell/trial.hpp"
#include "asktell/values.hpp"
