#pragma once

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asktell/values.hpp"

namespace asktell {

class Mapping;

/// A place in a study file. Methods throw StudyFileError with the place: a file is read top down, and the first mistake
/// ends it.
class Place {
 public:
  /// The whole of a file.
  static Place of(const std::string& text, const std::string& file);

  using Words = std::vector<std::string>;

  [[noreturn]] void refuse(const std::string& problem) const;
  [[nodiscard]] bool is_mapping() const { return node_.IsMap(); }
  [[nodiscard]] bool is_integer() const;

  /// Refuses keys that come twice.
  [[nodiscard]] Mapping mapping() const;
  /// Also refuses keys that are not known, or required and missing.
  [[nodiscard]] Mapping mapping(const Words& known, const Words& required = {}) const;
  [[nodiscard]] std::vector<Place> items() const;
  /// Takes a plain word even where YAML takes it for a bool, as in [on, off].
  [[nodiscard]] std::string text() const;
  [[nodiscard]] Texts texts() const;
  [[nodiscard]] std::int64_t integer() const;
  [[nodiscard]] int count() const;
  [[nodiscard]] double number() const;
  [[nodiscard]] bool boolean() const;
  /// Index of the word among those that are allowed.
  [[nodiscard]] int choice(const Words& allowed) const;
  [[nodiscard]] Time time() const;
  /// In seconds.
  [[nodiscard]] std::chrono::nanoseconds duration() const;

 private:
  Place(const YAML::Node& node, std::string file, std::string path)
      : node_(node), file_(std::move(file)), path_(std::move(path)) {}

  [[nodiscard]] bool is_plain() const { return node_.IsScalar() && node_.Tag() == "?"; }
  [[nodiscard]] const std::string& scalar(const std::string& wanted) const;
  [[nodiscard]] std::string shown() const;
  [[nodiscard]] Place at(const YAML::Node& node, const std::string& step) const;

  YAML::Node node_;
  std::string file_;
  std::string path_;  // the keys that lead to it
};

/// The keys of a mapping, in the file's order: that of the parameters is the order of tables.
class Mapping {
 public:
  using Entry = std::pair<std::string, Place>;

  [[nodiscard]] std::optional<Place> get(const std::string& key) const;
  /// For keys that are required.
  [[nodiscard]] Place must(const std::string& key) const { return get(key).value(); }
  /// A part that may be missing, as if it were empty.
  [[nodiscard]] Mapping part(const std::string& key, const Place::Words& known) const;
  template <class T>
  [[nodiscard]] std::optional<T> read(const std::string& key, T (Place::*as)() const) const {
    const auto value = get(key);
    return value ? std::optional<T>((*value.*as)()) : std::nullopt;
  }

  std::vector<Entry> entries;
};

}  // namespace asktell
