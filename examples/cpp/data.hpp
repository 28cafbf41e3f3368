#pragma once

#include <array>
#include <string>
#include <vector>

inline constexpr std::size_t pixels = 64;
inline constexpr std::size_t classes = 10;

struct Row {
  std::array<double, pixels> image{};  // 0 to 1
  std::size_t label = 0;
};

/// Split by row, as examples/data/README.md says. The last 20 % are a test set that tuning never looks at.
struct Dataset {
  std::vector<Row> train;
  std::vector<Row> validation;
};

Dataset read_digits(const std::string& path);
