#pragma once

#include <Python.h>

#include <cstdint>
#include <vector>

#include "klg/cache/lru_index.hpp"

namespace klg::bindings {

/// One reference to each is owned.
struct CacheEntry {
  PyObject* key;
  PyObject* value;
};

using EntryIndex = cache::LruIndex<CacheEntry>;

/// `LRUCache`: a plain C-API type.
///
/// Foreign code (`__hash__`, `__eq__`, the clock, the weigher, destructors, the callback) runs only
/// where the structure is whole: before a change, or after it. What a comparison may have changed
/// is seen by the index's version, and the search begins anew.
struct LruCache {
  PyObject_HEAD EntryIndex* index;
  std::vector<double>* deadlines;    ///< By place; used only with a time to live.
  std::vector<Py_ssize_t>* weights;  ///< By place; used only with a weight bound.
  PyObject* on_evict;                ///< Called (key, value, reason), or null.
  PyObject* weigher;                 ///< Called (key, value) for a weight, or null.
  PyObject* clock;                   ///< Called () for seconds, or null for the monotonic clock.
  Py_ssize_t max_size;
  Py_ssize_t max_weight;  ///< 0: no bound.
  Py_ssize_t weight;
  double ttl;  ///< Seconds; 0: for ever.
  std::uint64_t hits;
  std::uint64_t misses;
  std::uint64_t evictions;
  std::uint64_t expirations;
  std::uint64_t callback_errors;
};

inline LruCache& as_cache(PyObject* self) { return *reinterpret_cast<LruCache*>(self); }

/// Finds a key: false with an error set. `place` is kNone where it is absent; `hash` is its folded
/// hash, for the insertion.
bool find_key(LruCache& cache, PyObject* key, std::uint32_t& hash, EntryIndex::Place& place);

/// Seconds by the cache's clock: false with an error set.
bool read_clock(LruCache& cache, double& now);

/// Takes an entry out, keeping the books; the caller owns what it held.
CacheEntry take_out(LruCache& cache, EntryIndex::Place place) noexcept;

/// Tells the callback and drops the references. Keeps an error that is set; one of the callback
/// goes to `sys.unraisablehook` and is counted.
void discard(LruCache& cache, CacheEntry entry, const char* reason);

/// The entry if it has outlived its time; the caller discards it.
bool expired(const LruCache& cache, EntryIndex::Place place, double now) noexcept;

/// Puts an entry in: 0, or -1 with an error set.
int put_entry(LruCache& cache, PyObject* key, PyObject* value, PyObject* weight, PyObject* ttl);

PyObject* make_lru_cache_type();

}  // namespace klg::bindings
