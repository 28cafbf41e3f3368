#include "asktell/values.hpp"

#include <limits>
#include <stdexcept>

namespace asktell {

const Value& Params::at(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    throw std::out_of_range("asktell: no parameter \"" + std::string(name) + "\"");
  }
  return found->second;
}

template <>
double Params::get<double>(std::string_view name) const {
  const Value& value = at(name);
  const auto* whole = std::get_if<std::int64_t>(&value);
  return whole == nullptr ? std::get<double>(value) : static_cast<double>(*whole);
}

template <>
std::int64_t Params::get<std::int64_t>(std::string_view name) const {
  return std::get<std::int64_t>(at(name));
}

template <>
int Params::get<int>(std::string_view name) const {
  const auto value = get<std::int64_t>(name);
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    throw std::out_of_range("asktell: parameter \"" + std::string(name) + "\" does not fit an int");
  }
  return static_cast<int>(value);
}

template <>
std::string Params::get<std::string>(std::string_view name) const {
  return std::get<std::string>(at(name));
}

template <>
bool Params::get<bool>(std::string_view name) const {
  return std::get<bool>(at(name));
}

}  // namespace asktell
