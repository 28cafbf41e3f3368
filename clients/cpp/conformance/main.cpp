// The executor of the C++ client: actions in on stdin, results out on stdout. What the cases are and how they are run
// is in tests/conformance.
#include <array>
#include <cstdint>
#include <iostream>
#include <string>

#include "executor.hpp"

namespace {

bool read(std::string& payload) {
  std::array<unsigned char, 4> length{};
  if (!std::cin.read(reinterpret_cast<char*>(length.data()), length.size())) {
    return false;
  }
  std::uint32_t size = 0;
  for (const unsigned char byte : length) {
    size = size << 8U | byte;
  }
  payload.resize(size);
  return static_cast<bool>(std::cin.read(payload.data(), size));
}

void write(const std::string& payload) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    std::cout.put(static_cast<char>(payload.size() >> shift & 255U));
  }
  std::cout << payload << std::flush;
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  conformance::Executor executor;
  for (std::string payload; read(payload);) {
    conformance::wire::Action action;
    if (!action.ParseFromString(payload)) {
      std::cerr << "conformance: an action that cannot be read\n";
      return 1;
    }
    write(executor.execute(action).SerializeAsString());
  }
  return 0;
}
