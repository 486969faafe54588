#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace klg::cache {

/// Order of use and a hash table over it, for entries whose keys only the caller can compare.
///
/// An entry is a payload and a node with its links, in two arrays; the table holds places of nodes,
/// probed in line and kept at most half full. A byte beside each says how far from home it lies, so
/// that only nodes of the same home are looked at, and none to close a gap. With a payload of two
/// pointers that is 38 bytes an entry. All grow as entries come, up to the limit. An entry keeps
/// its place until it is erased.
template <class Payload>
class LruIndex {
  static_assert(std::is_trivially_copyable_v<Payload>, "growth moves bytes");

 public:
  using Place = std::uint32_t;
  static constexpr Place kNone = ~Place{0};

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] Payload& operator[](Place place) noexcept { return payloads_[place]; }
  [[nodiscard]] const Payload& operator[](Place place) const noexcept { return payloads_[place]; }

  /// One more than the highest place that an entry has had.
  [[nodiscard]] std::size_t places() const noexcept { return used_; }

  /// Changes whenever an entry comes or goes: a search that ran foreign code must begin anew if so.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

  /// Most and least recently used entry, and the next in the direction of less recent.
  [[nodiscard]] Place newest() const noexcept { return newest_; }
  [[nodiscard]] Place oldest() const noexcept { return oldest_; }
  [[nodiscard]] Place older(Place place) const noexcept { return nodes_[place].older; }
  [[nodiscard]] Place newer(Place place) const noexcept { return nodes_[place].newer; }

  [[nodiscard]] static std::uint32_t fold(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash * 0x9E37'79B9'7F4A'7C15 >> 32);
  }

  /// Walks the entries with one hash: `same(place)` says whether it is the one, and may end the
  /// walk by returning true. Gives its place, or kNone.
  template <class Same>
  Place find(std::uint32_t hash, Same same) const {
    if (table_size_ == 0) return kNone;
    std::uint32_t away = 0;
    for (std::uint32_t at = home(hash);; at = after(at)) {
      const std::uint8_t mark = marks_[at];
      if (mark == kVacant) return kNone;
      if (mark != mark_of(away++)) continue;
      const Place place = table_[at];
      if (nodes_[place].hash == hash && same(place)) return place;
    }
  }

  void touch(Place place) noexcept {
    if (place == newest_) return;
    unlink(place);
    link_newest(place);
  }

  /// Adds the most recently used entry. Throws std::bad_alloc, and nothing has changed then.
  Place insert(std::uint32_t hash, Payload payload) {
    if ((size_ + 1) * 2 > table_size_) grow_table();
    Place place = vacant_;
    if (place != kNone) {
      vacant_ = nodes_[place].older;
    } else {
      grow_nodes();
      place = used_++;
    }
    payloads_[place] = payload;
    nodes_[place].hash = hash;
    link_newest(place);
    enter(hash, place);
    ++size_;
    ++version_;
    return place;
  }

  /// Takes an entry out and gives what it held.
  Payload erase(Place place) noexcept {
    std::uint32_t at = home(nodes_[place].hash);
    while (table_[at] != place) at = after(at);
    close_gap(at);
    unlink(place);
    nodes_[place].older = vacant_;
    vacant_ = place;
    --size_;
    ++version_;
    return payloads_[place];
  }

  /// Bytes held, the payloads' own memory not counted.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return nodes_capacity_ * (sizeof(Node) + sizeof(Payload)) +
           std::size_t{table_size_} * (sizeof(Place) + 1);
  }

  /// Asks for the memory that taking out the oldest entry will touch.
  void prefetch_oldest() const noexcept {
    const Node& node = nodes_[oldest_];
    const std::uint32_t at = home(node.hash);
    __builtin_prefetch(&marks_[at], 1);
    __builtin_prefetch(&table_[at], 1);
    __builtin_prefetch(&nodes_[node.newer], 1);
    __builtin_prefetch(&payloads_[oldest_], 1);
  }

  /// The most that will ever be inserted: growth stops there instead of doubling past it.
  explicit LruIndex(std::size_t limit) : limit_(limit) {}

 private:
  struct Node {
    std::uint32_t hash;
    Place newer;
    Place older;
  };

  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  template <class T>
  using Array = std::unique_ptr<T[], Free>;

  // Distance from home + 1; the last stands for all that are farther.
  static constexpr std::uint8_t kVacant = 0;
  static constexpr std::uint8_t kFar = 255;
  [[nodiscard]] static std::uint8_t mark_of(std::uint32_t away) noexcept {
    return away < kFar - 1U ? static_cast<std::uint8_t>(away + 1) : kFar;
  }

  [[nodiscard]] std::uint32_t home(std::uint32_t hash) const noexcept {
    return static_cast<std::uint32_t>(std::uint64_t{hash} * table_size_ >> 32);
  }
  [[nodiscard]] std::uint32_t after(std::uint32_t at) const noexcept {
    return at + 1 == table_size_ ? 0 : at + 1;
  }
  // How far `at` lies behind `from`, around the end.
  [[nodiscard]] std::uint32_t distance(std::uint32_t from, std::uint32_t at) const noexcept {
    return at >= from ? at - from : at + table_size_ - from;
  }

  // How far from home the entry at `at` lies.
  [[nodiscard]] std::uint32_t away(std::uint32_t at) const noexcept {
    const std::uint8_t mark = marks_[at];
    return mark != kFar ? mark - 1U : distance(home(nodes_[table_[at]].hash), at);
  }

  void enter(std::uint32_t hash, Place place) noexcept {
    std::uint32_t far = 0;
    std::uint32_t at = home(hash);
    for (; marks_[at] != kVacant; at = after(at)) ++far;
    marks_[at] = mark_of(far);
    table_[at] = place;
  }

  void link_newest(Place place) noexcept {
    nodes_[place].newer = kNone;
    nodes_[place].older = newest_;
    (newest_ != kNone ? nodes_[newest_].newer : oldest_) = place;
    newest_ = place;
  }

  void unlink(Place place) noexcept {
    const Node& node = nodes_[place];
    (node.newer != kNone ? nodes_[node.newer].older : newest_) = node.older;
    (node.older != kNone ? nodes_[node.older].newer : oldest_) = node.newer;
  }

  // Moves later entries of the same run up, so that no probe stops early and no tombstone stays.
  void close_gap(std::uint32_t gap) noexcept {
    for (std::uint32_t at = after(gap); marks_[at] != kVacant; at = after(at)) {
      const std::uint32_t from_home = away(at);
      const std::uint32_t step = distance(gap, at);
      if (from_home >= step) {
        table_[gap] = table_[at];
        marks_[gap] = mark_of(from_home - step);
        gap = at;
      }
    }
    marks_[gap] = kVacant;
  }

  [[nodiscard]] std::size_t grown(std::size_t now) const noexcept {
    return std::max<std::size_t>(std::min(std::max<std::size_t>(now * 2, 8), limit_), now + 1);
  }

  // Grows in place where the system can; its contents are kept.
  template <class T>
  static void resize(Array<T>& array, std::size_t size) {
    void* grown = std::realloc(array.get(), size * sizeof(T));
    if (grown == nullptr) throw std::bad_alloc();
    static_cast<void>(array.release());
    array.reset(static_cast<T*>(grown));
  }

  void grow_nodes() {
    if (used_ < nodes_capacity_) return;
    const std::size_t capacity = grown(nodes_capacity_);
    resize(payloads_, capacity);
    resize(nodes_, capacity);
    nodes_capacity_ = capacity;
  }

  void grow_table() {
    const std::size_t entries = grown(size_);
    const auto wanted = static_cast<std::uint32_t>(std::min<std::size_t>(entries * 2, kNone));
    resize(table_, wanted);
    resize(marks_, wanted);
    table_size_ = wanted;
    std::fill_n(marks_.get(), wanted, kVacant);
    for (Place place = newest_; place != kNone; place = nodes_[place].older) {
      enter(nodes_[place].hash, place);
    }
  }

  std::size_t limit_;
  Array<Payload> payloads_;
  Array<Node> nodes_;
  Array<Place> table_;
  Array<std::uint8_t> marks_;
  std::size_t nodes_capacity_ = 0;
  std::size_t size_ = 0;
  std::uint64_t version_ = 0;
  std::uint32_t table_size_ = 0;
  Place used_ = 0;
  Place vacant_ = kNone;
  Place newest_ = kNone;
  Place oldest_ = kNone;
};

}  // namespace klg::cache
