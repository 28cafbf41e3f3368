#pragma once

#include <functional>
#include <optional>
#include <utility>

namespace asktell {

/// Items that are fetched as a loop gets there: `for (Trial& trial : study.trials())`, or next() by hand.
/// For one pass, by one thread; must not outlive the loop's range.
template <class Item>
class Sequence {
 public:
  using Source = std::function<std::optional<Item>()>;

  explicit Sequence(Source source) : source_(std::move(source)) {}

  /// The next item; none at the end. @throws Error A call failed.
  std::optional<Item> next() { return source_(); }

  struct Sentinel {};

  class Iterator {
   public:
    explicit Iterator(Sequence& sequence) : sequence_(sequence), item_(sequence.next()) {}
    Item& operator*() { return *item_; }
    Iterator& operator++() {
      item_ = sequence_.get().next();
      return *this;
    }
    bool operator!=(Sentinel /*end*/) const { return item_.has_value(); }

   private:
    std::reference_wrapper<Sequence> sequence_;
    std::optional<Item> item_;
  };

  Iterator begin() { return Iterator(*this); }
  Sentinel end() { return {}; }

 private:
  Source source_;
};

}  // namespace asktell
