#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace klg::cache {

/// Order of use and a hash table over it, for entries whose keys only the caller can compare.
///
/// Entries are nodes of one array, linked by 32-bit places; the table holds places, probed in line
/// and kept at most two thirds full. With a payload of two pointers that is 38 bytes an entry. Both
/// grow as entries come, up to the limit. A node keeps its place until it is erased.
template <class Payload>
class LruIndex {
 public:
  using Place = std::uint32_t;
  static constexpr Place kNone = ~Place{0};

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] Payload& operator[](Place place) noexcept { return nodes_[place].payload; }
  [[nodiscard]] const Payload& operator[](Place place) const noexcept {
    return nodes_[place].payload;
  }

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
    for (std::uint32_t at = home(hash);; at = after(at)) {
      const Place place = table_[at];
      if (place == kNone) return kNone;
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
    if ((size_ + 1) * 3 > std::size_t{table_size_} * 2) grow_table();
    Place place = vacant_;
    if (place != kNone) {
      vacant_ = nodes_[place].older;
    } else {
      grow_nodes();
      place = used_++;
    }
    nodes_[place].payload = std::move(payload);
    nodes_[place].hash = hash;
    link_newest(place);
    std::uint32_t at = home(hash);
    while (table_[at] != kNone) at = after(at);
    table_[at] = place;
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
    return std::move(nodes_[place].payload);
  }

  /// Bytes held, the payloads' own memory not counted.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return nodes_capacity_ * sizeof(Node) + std::size_t{table_size_} * sizeof(Place);
  }

  /// The most that will ever be inserted: growth stops there instead of doubling past it.
  explicit LruIndex(std::size_t limit) : limit_(limit) {}

 private:
  struct Node {
    Payload payload;
    std::uint32_t hash;
    Place newer;
    Place older;
  };

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
    for (std::uint32_t at = after(gap); table_[at] != kNone; at = after(at)) {
      const std::uint32_t from = home(nodes_[table_[at]].hash);
      if (distance(from, at) >= distance(gap, at)) {
        table_[gap] = table_[at];
        gap = at;
      }
    }
    table_[gap] = kNone;
  }

  [[nodiscard]] std::size_t grown(std::size_t now) const noexcept {
    return std::max<std::size_t>(std::min(std::max<std::size_t>(now * 2, 8), limit_), now + 1);
  }

  void grow_nodes() {
    if (used_ < nodes_capacity_) return;
    const std::size_t capacity = grown(nodes_capacity_);
    std::unique_ptr<Node[]> nodes(new Node[capacity]);
    std::move(nodes_.get(), nodes_.get() + used_, nodes.get());
    nodes_ = std::move(nodes);
    nodes_capacity_ = capacity;
  }

  void grow_table() {
    const std::size_t entries = grown(size_);
    const auto wanted =
        static_cast<std::uint32_t>(std::min<std::size_t>(entries + entries / 2 + 2, kNone));
    std::unique_ptr<Place[]> table(new Place[wanted]);
    std::fill_n(table.get(), wanted, kNone);
    table_ = std::move(table);
    table_size_ = wanted;
    for (Place place = newest_; place != kNone; place = nodes_[place].older) {
      std::uint32_t at = home(nodes_[place].hash);
      while (table_[at] != kNone) at = after(at);
      table_[at] = place;
    }
  }

  std::size_t limit_;
  std::unique_ptr<Node[]> nodes_;
  std::unique_ptr<Place[]> table_;
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
