#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace asktell {

/// A time of the server's clock.
using Time = std::chrono::system_clock::time_point;

/// Short texts by key: labels and annotations.
using Texts = std::map<std::string, std::string>;

/// One value of one parameter: a float is a double, an int stays an int, a category is a string.
using Value = std::variant<double, std::int64_t, std::string, bool>;

/// A configuration: a value for each parameter.
class Params {
 public:
  using Map = std::map<std::string, Value, std::less<>>;
  using const_iterator = Map::const_iterator;

  Params() = default;
  Params(std::initializer_list<Map::value_type> values) : values_(values) {}
  explicit Params(Map values) : values_(std::move(values)) {}

  /// A value as `double` (of a float, int or discrete parameter), `int` or `std::int64_t` (int, discrete),
  /// `std::string` (categorical) or `bool`.
  /// @throws std::out_of_range The space has no such parameter, or the value does not fit the type.
  /// @throws std::bad_variant_access The value is of another kind. Both are mistakes in the program.
  template <class T>
  [[nodiscard]] T get(std::string_view name) const;

  /// The value as it is. @throws std::out_of_range The space has no such parameter.
  [[nodiscard]] const Value& at(std::string_view name) const;
  void set(std::string name, Value value) { values_.insert_or_assign(std::move(name), std::move(value)); }

  [[nodiscard]] bool contains(std::string_view name) const { return values_.find(name) != values_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  [[nodiscard]] bool empty() const noexcept { return values_.empty(); }
  [[nodiscard]] const_iterator begin() const noexcept { return values_.begin(); }
  [[nodiscard]] const_iterator end() const noexcept { return values_.end(); }

  friend bool operator==(const Params& a, const Params& b) { return a.values_ == b.values_; }
  friend bool operator!=(const Params& a, const Params& b) { return !(a == b); }

 private:
  Map values_;
};

template <>
double Params::get<double>(std::string_view name) const;
template <>
int Params::get<int>(std::string_view name) const;
template <>
std::int64_t Params::get<std::int64_t>(std::string_view name) const;
template <>
std::string Params::get<std::string>(std::string_view name) const;
template <>
bool Params::get<bool>(std::string_view name) const;

/// One measured value. A plain double converts to it.
struct Metric {
  // NOLINTNEXTLINE(google-explicit-constructor): {"loss", 0.3} is how metrics are written
  Metric(double measured = 0, std::optional<double> error = std::nullopt) : value(measured), standard_error(error) {}

  double value;                          ///< NaN and infinities are for the server to refuse
  std::optional<double> standard_error;  ///< unset = not known

  friend bool operator==(const Metric& a, const Metric& b) {
    return a.value == b.value && a.standard_error == b.standard_error;
  }
};

/// Measured values by name.
using Metrics = std::map<std::string, Metric>;

}  // namespace asktell
