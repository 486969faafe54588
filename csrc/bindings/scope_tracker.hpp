#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <vector>

namespace klg::bindings {

struct TrackScope;

/// The scopes that are open now, in the order in which they were entered.
///
/// An intrusive hash table: a scope carries its own links, so that entering and leaving touch no
/// allocator and cost a handful of writes. Equal ids may be open at the same time; each is an entry
/// of its own, and a look-up finds the newest. Guarded by the GIL: nothing in here calls Python.
class ScopeTracker {
 public:
  ScopeTracker();
  ScopeTracker(const ScopeTracker&) = delete;
  ScopeTracker& operator=(const ScopeTracker&) = delete;

  void insert(TrackScope* scope);
  void erase(TrackScope* scope) noexcept;

  /// The newest open scope of an id, or null; borrowed.
  [[nodiscard]] TrackScope* find(PyObject* id, Py_hash_t hash) const noexcept;

  /// Open scopes, equal ids counted once each and all together.
  [[nodiscard]] std::size_t open_count() const noexcept { return open_; }
  [[nodiscard]] std::size_t distinct_count() const noexcept { return open_ - shadowed_; }
  [[nodiscard]] std::uint64_t entered_total() const noexcept { return entered_; }

  /// Open scopes, oldest first; with `distinct`, only the newest of equal ids. New references.
  [[nodiscard]] std::vector<pybind11::object> scopes(bool distinct) const;

  bool enabled = true;

 private:
  [[nodiscard]] TrackScope*& bucket(Py_hash_t hash) noexcept {
    return buckets_[static_cast<std::size_t>(hash) & (buckets_.size() - 1)];
  }
  [[nodiscard]] TrackScope* find_from(TrackScope* scope, PyObject* id,
                                      Py_hash_t hash) const noexcept;
  void grow();

  std::vector<TrackScope*> buckets_;
  TrackScope* oldest_ = nullptr;
  TrackScope* newest_ = nullptr;
  std::size_t open_ = 0;
  std::size_t shadowed_ = 0;  // open scopes behind a newer one of the same id
  std::uint64_t entered_ = 0;
};

}  // namespace klg::bindings
