#pragma once

#include <asktell/v1/search_space.pb.h>
#include <asktell/v1/trial.pb.h>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace asktell {

/// One value of one parameter, from a number, a bool or a text. A whole number becomes an int_value, any other number a
/// double_value: an int stays an int, 0.1 stays 0.1.
class Value {
 public:
  template <class T, class = std::enable_if_t<std::is_arithmetic_v<T> || std::is_convertible_v<T, std::string_view>>>
  Value(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      message_.set_bool_value(value);
    } else if constexpr (std::is_integral_v<T>) {
      message_.set_int_value(static_cast<std::int64_t>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      message_.set_double_value(value);
    } else {
      message_.set_string_value(std::string(std::string_view(value)));
    }
  }
  operator const v1::ParameterValue&() const noexcept { return message_; }

 private:
  v1::ParameterValue message_;
};

/// One measured value, with its standard error where that is known. The server refuses NaN and infinities.
class Metric {
 public:
  Metric(double value) { message_.set_value(value); }
  Metric(double value, double standard_error) : Metric(value) { message_.set_standard_error(standard_error); }
  operator const v1::Metric&() const noexcept { return message_; }

 private:
  v1::Metric message_;
};

/// Messages by name, written as {{"lr", 0.1}, {"rank", 8}}; converts from and to the maps that messages have.
template <class Message, class Item>
class ByName {
 public:
  using Map = google::protobuf::Map<std::string, Message>;

  ByName() = default;
  ByName(std::initializer_list<std::pair<std::string, Item>> items) {
    for (const auto& [name, item] : items) {
      set(name, item);
    }
  }
  ByName(const Map& messages) : messages_(messages.begin(), messages.end()) {}
  operator Map() const { return {messages_.begin(), messages_.end()}; }

  void set(const std::string& name, const Item& item) { messages_.insert_or_assign(name, item); }
  /// @throws std::out_of_range There is none of that name.
  [[nodiscard]] const Message& at(const std::string& name) const {
    const auto found = messages_.find(name);
    return found != messages_.end() ? found->second : throw std::out_of_range("asktell: there is no \"" + name + "\"");
  }
  [[nodiscard]] bool contains(const std::string& name) const { return messages_.count(name) != 0; }
  [[nodiscard]] std::size_t size() const noexcept { return messages_.size(); }
  [[nodiscard]] bool empty() const noexcept { return messages_.empty(); }
  /// Pairs of name and message, by name.
  [[nodiscard]] auto begin() const noexcept { return messages_.begin(); }
  [[nodiscard]] auto end() const noexcept { return messages_.end(); }

 private:
  std::map<std::string, Message> messages_;
};

/// Measured values by name.
using Metrics = ByName<v1::Metric, Metric>;

/// A configuration: a value for each parameter.
class Params : public ByName<v1::ParameterValue, Value> {
 public:
  using ByName::ByName;

  /// A value as a floating type (of a float, int or discrete parameter), an integer type (int, discrete), `std::string`
  /// (categorical) or `bool`. The errors are mistakes in the program.
  /// @throws std::out_of_range There is no such parameter, or the value does not fit the type.
  /// @throws std::invalid_argument The value is of another kind.
  template <class T>
  [[nodiscard]] T get(const std::string& name) const {
    const v1::ParameterValue& value = at(name);
    if constexpr (std::is_same_v<T, bool>) {
      return require(value.has_bool_value(), name).bool_value();
    } else if constexpr (std::is_integral_v<T>) {
      const std::int64_t whole = require(value.has_int_value(), name).int_value();
      const T fitting = static_cast<T>(whole);
      if (static_cast<std::int64_t>(fitting) != whole || (whole < 0 && std::is_unsigned_v<T>)) {
        throw std::out_of_range("asktell: \"" + name + "\" does not fit the type: " + std::to_string(whole));
      }
      return fitting;
    } else if constexpr (std::is_floating_point_v<T>) {
      return static_cast<T>(value.has_int_value() ? static_cast<double>(value.int_value())
                                                  : require(value.has_double_value(), name).double_value());
    } else {
      return require(value.has_string_value(), name).string_value();
    }
  }

 private:
  [[nodiscard]] const v1::ParameterValue& require(bool is_of_kind, const std::string& name) const {
    if (!is_of_kind) {
      throw std::invalid_argument("asktell: \"" + name + "\" is of another kind: " + at(name).ShortDebugString());
    }
    return at(name);
  }
};

/// The configuration of a trial or suggestion, with its derived parameters.
template <class Message>
Params params_of(const Message& message) {
  Params::Map values = message.parameters();
  values.insert(message.derived_parameters().begin(), message.derived_parameters().end());
  return Params(values);
}

}  // namespace asktell
