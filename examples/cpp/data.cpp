#include "data.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace {

constexpr double brightest = 16;

Row parse(const std::string& line) {
  Row row;
  std::istringstream fields(line);
  std::string field;
  for (double& pixel : row.image) {
    std::getline(fields, field, ',');
    pixel = std::stoi(field) / brightest;
  }
  std::getline(fields, field, ',');
  row.label = std::stoul(field);
  if (row.label >= classes) {
    throw std::out_of_range(field + " is no digit");
  }
  return row;
}

}  // namespace

Dataset read_digits(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {  // the header
    throw std::runtime_error(path + ": cannot be read");
  }
  std::vector<Row> rows;
  while (std::getline(file, line)) {
    rows.push_back(parse(line));
  }
  const auto trained = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() * 60 / 100);
  const auto validated = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() * 80 / 100);
  return {{rows.begin(), trained}, {trained, validated}};
}
