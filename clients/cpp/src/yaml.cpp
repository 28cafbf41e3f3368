#include "yaml.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <ctime>
#include <limits>
#include <regex>
#include <sstream>

#include "asktell/errors.hpp"

namespace asktell {
namespace {

const std::regex& whole_number() {
  static const std::regex pattern("[-+]?[0-9][0-9_]*");
  return pattern;
}

// As the other clients read numbers: 1e-5 is one, though YAML 1.1 takes it for a string.
const std::regex& real_number() {
  static const std::regex pattern(
      R"([-+]?([0-9][0-9_]*)?\.?[0-9]+([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*\.([eE][-+]?[0-9]+)?)");
  return pattern;
}

bool is_number(const std::string& text) {
  return std::regex_match(text, whole_number()) || std::regex_match(text, real_number());
}

std::string without_underscores(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
  return text;
}

std::string join(const Place::Words& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ", ") + word;
  }
  return text;
}

bool contains(const Place::Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string located(const std::string& file, const YAML::Mark& mark, const std::string& problem) {
  const std::string place =
      mark.is_null() ? "" : ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
  return file + place + ": " + problem;
}

}  // namespace

Place Place::of(const std::string& text, const std::string& file) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.empty() || documents.front().IsNull()) {
      throw StudyFileError(file + ": is empty");
    }
    if (documents.size() > 1) {
      throw StudyFileError(file + ": holds more than one document");
    }
    return {documents.front(), file, ""};
  } catch (const YAML::Exception& mistake) {
    throw StudyFileError(located(file, mistake.mark, mistake.msg));
  }
}

void Place::refuse(const std::string& problem) const {
  throw StudyFileError(located(file_, node_.Mark(), path_.empty() ? problem : path_ + ": " + problem));
}

Place Place::at(const YAML::Node& node, const std::string& step) const {
  const bool index = !step.empty() && step.front() == '[';
  return {node, file_, path_ + (path_.empty() || index ? "" : ".") + step};
}

Mapping Place::mapping() const {
  if (!is_mapping()) {
    refuse("must be a mapping (key: value), got " + shown());
  }
  Mapping found;
  for (const auto& entry : node_) {
    const std::string key = Place(entry.first, file_, path_).text();
    if (found.get(key)) {
      at(entry.first, key).refuse("stands here twice");
    }
    found.entries.emplace_back(key, at(entry.second, key));
  }
  return found;
}

Mapping Place::mapping(const Words& known, const Words& required) const {
  Mapping found = mapping();
  for (const auto& entry : node_) {
    const std::string key = entry.first.Scalar();
    if (!contains(known, key)) {
      Place(entry.first, file_, path_).refuse("unknown key \"" + key + "\"; known are " + join(known));
    }
  }
  for (const std::string& key : required) {
    if (!found.get(key)) {
      refuse(key + " is missing");
    }
  }
  return found;
}

std::vector<Place> Place::items() const {
  if (!node_.IsSequence()) {
    refuse("must be a list, got " + shown());
  }
  std::vector<Place> found;
  for (const auto& item : node_) {
    found.push_back(at(item, "[" + std::to_string(found.size()) + "]"));
  }
  return found;
}

std::string Place::text() const {
  const std::string& value = scalar("a string");
  if (is_plain() && is_number(value)) {
    refuse("must be a string, got the number " + value + "; write \"" + value + "\" if you mean the text");
  }
  return value;
}

Texts Place::texts() const {
  Texts found;
  for (const auto& [key, value] : mapping().entries) {
    found.emplace(key, value.text());
  }
  return found;
}

bool Place::is_integer() const { return is_plain() && std::regex_match(node_.Scalar(), whole_number()); }

std::int64_t Place::integer() const {
  const std::string value = without_underscores(scalar("a whole number"));
  if (!is_integer()) {
    refuse("must be a whole number, got " + shown());
  }
  try {
    return std::stoll(value);
  } catch (const std::out_of_range&) {
    refuse("must fit 64 bits, got " + value);
  }
}

int Place::count() const {
  const std::int64_t value = integer();
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    refuse("must fit 32 bits, got " + std::to_string(value));
  }
  return static_cast<int>(value);
}

double Place::number() const {
  const std::string& value = scalar("a number");
  if (!is_plain() || !is_number(value)) {
    refuse("must be a number, got " + shown());
  }
  std::istringstream stream(without_underscores(value));  // not stod: that reads as the user's country writes
  stream.imbue(std::locale::classic());
  double number = 0;
  if (!(stream >> number) && std::abs(number) > 1) {
    refuse("must fit a double, got " + value);
  }
  return number;
}

bool Place::boolean() const {
  const std::string value = lower(scalar("true or false"));
  if (value == "true" || value == "yes" || value == "on") {
    return true;
  }
  if (value != "false" && value != "no" && value != "off") {
    refuse("must be true or false, got " + shown());
  }
  return false;
}

int Place::choice(const Words& allowed) const {
  const std::string& value = scalar("one of " + join(allowed));
  const auto found = std::find(allowed.begin(), allowed.end(), value);
  if (found == allowed.end()) {
    refuse("must be one of " + join(allowed) + ", got \"" + value + "\"");
  }
  return static_cast<int>(found - allowed.begin());
}

Time Place::time() const {
  static const std::regex pattern(
      R"((\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(?:[Zz]|([-+])(\d{2}):(\d{2})))");
  const std::string& value = scalar("a time");
  std::smatch part;
  if (!std::regex_match(value, part, pattern)) {
    refuse("must be a time with its zone, as in 2026-12-01T12:00:00Z, got \"" + value + "\"");
  }
  std::tm fields{};
  fields.tm_year = std::stoi(part[1]) - 1900;
  fields.tm_mon = std::stoi(part[2]) - 1;
  fields.tm_mday = std::stoi(part[3]);
  fields.tm_hour = std::stoi(part[4]);
  fields.tm_min = std::stoi(part[5]);
  fields.tm_sec = std::stoi(part[6]);
  Time at = std::chrono::system_clock::from_time_t(timegm(&fields));
  if (part[7].matched) {
    const std::string digits = (part[7].str().substr(1) + "000000000").substr(0, 9);
    at += std::chrono::duration_cast<Time::duration>(std::chrono::nanoseconds(std::stoll(digits)));
  }
  if (part[8].matched) {
    const auto offset = std::chrono::hours(std::stoi(part[9])) + std::chrono::minutes(std::stoi(part[10]));
    at += part[8] == "+" ? -offset : offset;
  }
  return at;
}

std::chrono::nanoseconds Place::duration() const {
  const double seconds = number();
  if (std::abs(seconds) > 9e9) {
    refuse("is too long, got " + node_.Scalar() + " s");
  }
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

const std::string& Place::scalar(const std::string& wanted) const {
  static const Words nothing{"", "~", "null"};
  if (!node_.IsScalar() || (is_plain() && contains(nothing, node_.Scalar()))) {
    refuse("must be " + wanted + ", got " + shown());
  }
  return node_.Scalar();
}

std::string Place::shown() const {
  if (node_.IsMap()) {
    return "a mapping";
  }
  if (node_.IsSequence()) {
    return "a list";
  }
  return node_.IsNull() || node_.Scalar().empty() ? "nothing" : "\"" + node_.Scalar() + "\"";
}

std::optional<Place> Mapping::get(const std::string& key) const {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&key](const Entry& entry) { return entry.first == key; });
  return found == entries.end() ? std::nullopt : std::optional(found->second);
}

Mapping Mapping::part(const std::string& key, const Place::Words& known) const {
  const auto value = get(key);
  return value ? value->mapping(known) : Mapping();
}

}  // namespace asktell
