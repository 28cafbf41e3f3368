#include "asktell/enums.hpp"

#include <array>

namespace asktell {
namespace {

template <class Enum, std::size_t size>
std::string_view pick(const std::array<std::string_view, size>& names, Enum value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < size ? names[index] : std::string_view();  // NOLINT: the bound has been checked
}

using Names = std::string_view;

}  // namespace

std::string_view to_string(StudyState state) noexcept {
  return pick(std::array<Names, 4>{"", "active", "paused", "finished"}, state);
}

std::string_view to_string(FinishReason reason) noexcept {
  return pick(std::array<Names, 7>{"", "requested", "max_trials", "target", "patience", "deadline", "exhausted"},
              reason);
}

std::string_view to_string(TrialState state) noexcept {
  return pick(std::array<Names, 9>{"", "queued", "running", "succeeded", "stopped", "failed", "infeasible", "cancelled",
                                   "abandoned"},
              state);
}

std::string_view to_string(Outcome outcome) noexcept {
  return pick(std::array<Names, 5>{"", "succeeded", "stopped", "failed", "infeasible"}, outcome);
}

std::string_view to_string(Origin origin) noexcept {
  return pick(std::array<Names, 7>{"", "start", "model", "fallback", "person", "import", "sampler"}, origin);
}

std::string_view to_string(Goal goal) noexcept { return pick(std::array<Names, 3>{"", "minimize", "maximize"}, goal); }

std::string_view to_string(Split split) noexcept {
  return pick(std::array<Names, 4>{"", "validation", "train", "test"}, split);
}

std::string_view to_string(Scale scale) noexcept {
  return pick(std::array<Names, 4>{"", "linear", "log", "reverse_log"}, scale);
}

bool has_ended(TrialState state) noexcept {
  return state != TrialState::unspecified && state != TrialState::queued && state != TrialState::running;
}

}  // namespace asktell
