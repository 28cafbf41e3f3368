#include "call.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace asktell {
namespace {

constexpr std::chrono::milliseconds first_delay{100};
constexpr std::chrono::milliseconds longest_delay{5000};

std::mt19937_64& generator() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator;
}

}  // namespace

Clock::duration jitter(std::chrono::milliseconds delay, double low, double high) {
  const double share = std::uniform_real_distribution<double>(low, high)(generator());
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(delay) * share);
}

Clock::duration Backoff::next(std::chrono::milliseconds hint) {
  last_ = std::min(longest_delay, std::max(first_delay, 2 * last_));
  return std::max(jitter(last_, 0.5, 1.0), jitter(hint, 1.0, 1.1));
}

std::string new_request_id() {
  static constexpr char letters[] = "0123456789abcdef";
  std::random_device random;  // not the generator: ids of two processes must never be the same
  std::string id;
  for (std::size_t word = 1; word <= 4; ++word) {
    for (auto bits = random(); id.size() < 8 * word; bits >>= 4) {
      id += letters[bits & 15U];
    }
  }
  return id;
}

}  // namespace asktell
