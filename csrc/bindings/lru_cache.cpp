#include "lru_cache.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "klg/core/clock.hpp"

namespace klg::bindings {
namespace {

// Two exact strs are compared without running foreign code, and most keys are such.
bool equal_text(PyObject* a, PyObject* b) noexcept {
  const Py_ssize_t length = PyUnicode_GET_LENGTH(a);
  return length == PyUnicode_GET_LENGTH(b) && PyUnicode_KIND(a) == PyUnicode_KIND(b) &&
         std::memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b),
                     static_cast<std::size_t>(length * PyUnicode_KIND(a))) == 0;
}

bool parse_weight(LruCache& cache, PyObject* key, PyObject* value, PyObject* given,
                  Py_ssize_t& weight) {
  weight = 1;
  if (cache.max_weight == 0) return true;
  PyObject* object = given != nullptr ? Py_NewRef(given) : nullptr;
  if (object == nullptr && cache.weigher != nullptr) {
    object = PyObject_CallFunctionObjArgs(cache.weigher, key, value, nullptr);
    if (object == nullptr) return false;
  }
  if (object == nullptr) return true;
  weight = PyNumber_AsSsize_t(object, PyExc_OverflowError);
  Py_DECREF(object);
  if (weight == -1 && PyErr_Occurred() != nullptr) return false;
  if (weight < 0 || weight > cache.max_weight) {
    PyErr_Format(PyExc_ValueError, "put: weight %zd of %R is not in 0..max_weight=%zd", weight, key,
                 cache.max_weight);
    return false;
  }
  return true;
}

bool parse_deadline(LruCache& cache, PyObject* given, double& deadline) {
  double ttl = cache.ttl;
  if (given != nullptr && given != Py_None) {
    ttl = PyFloat_AsDouble(given);
    if (ttl == -1.0 && PyErr_Occurred() != nullptr) return false;
    if (!(ttl > 0)) {
      PyErr_SetString(PyExc_ValueError, "put: ttl must be above 0 seconds");
      return false;
    }
  }
  deadline = std::numeric_limits<double>::infinity();
  if (ttl == 0) return true;
  double now = 0;
  if (!read_clock(cache, now)) return false;
  deadline = now + ttl;
  return true;
}

// Room in the books for one entry more, so that nothing can fail once the entry is in.
void reserve_books(LruCache& cache, bool timed) {
  const std::size_t places = cache.index->places() + 1;
  if (timed && cache.deadlines->size() < places) {
    cache.deadlines->resize(std::max(places, cache.deadlines->size() * 2),
                            std::numeric_limits<double>::infinity());
  }
  if (cache.max_weight != 0 && cache.weights->size() < places) {
    cache.weights->resize(std::max(places, cache.weights->size() * 2), 1);
  }
}

// One at a time: the callback of one eviction may change the cache.
void evict_down(LruCache& cache) {
  while (cache.index->size() > static_cast<std::size_t>(cache.max_size) ||
         (cache.max_weight != 0 && cache.weight > cache.max_weight)) {
    ++cache.evictions;
    discard(cache, take_out(cache, cache.index->oldest()), "evicted");
  }
}

}  // namespace

bool read_clock(LruCache& cache, double& now) {
  if (cache.clock == nullptr) {
    now = static_cast<double>(monotonic_ns()) * 1e-9;
    return true;
  }
  PyObject* seconds = PyObject_CallNoArgs(cache.clock);
  if (seconds == nullptr) return false;
  now = PyFloat_AsDouble(seconds);
  Py_DECREF(seconds);
  return now != -1.0 || PyErr_Occurred() == nullptr;
}

bool find_key(LruCache& cache, PyObject* key, std::uint32_t& hash, EntryIndex::Place& place) {
  const Py_hash_t full = PyObject_Hash(key);
  if (full == -1) return false;
  hash = EntryIndex::fold(static_cast<std::uint64_t>(full));
  const bool text = PyUnicode_CheckExact(key) != 0;
  for (;;) {
    enum { kUndisturbed, kChanged, kFailed } outcome = kUndisturbed;
    place = cache.index->find(hash, [&](EntryIndex::Place candidate) {
      PyObject* known = (*cache.index)[candidate].key;
      if (known == key) return true;
      if (text && PyUnicode_CheckExact(known)) return equal_text(known, key);
      const std::uint64_t version = cache.index->version();
      Py_INCREF(known);
      const int equal = PyObject_RichCompareBool(known, key, Py_EQ);
      Py_DECREF(known);
      if (equal < 0) {
        outcome = kFailed;
      } else if (cache.index->version() != version) {
        outcome = kChanged;
      }
      return outcome != kUndisturbed || equal != 0;
    });
    if (outcome == kFailed) return false;
    if (outcome == kUndisturbed) return true;
  }
}

bool expired(const LruCache& cache, EntryIndex::Place place, double now) noexcept {
  return place < cache.deadlines->size() && now >= (*cache.deadlines)[place];
}

CacheEntry take_out(LruCache& cache, EntryIndex::Place place) noexcept {
  if (cache.max_weight != 0) cache.weight -= (*cache.weights)[place];
  if (place < cache.deadlines->size()) {
    (*cache.deadlines)[place] = std::numeric_limits<double>::infinity();
  }
  return cache.index->erase(place);
}

void discard(LruCache& cache, CacheEntry entry, const char* reason) {
  if (cache.on_evict != nullptr) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    // The callback may be replaced or the cache cleared by what it calls.
    PyObject* callback = Py_NewRef(cache.on_evict);
    PyObject* result = PyObject_CallFunction(callback, "OOs", entry.key, entry.value, reason);
    if (result == nullptr) {
      ++cache.callback_errors;
      PyErr_WriteUnraisable(callback);
    }
    Py_XDECREF(result);
    Py_DECREF(callback);
    PyErr_Restore(type, value, traceback);
  }
  Py_DECREF(entry.key);
  Py_DECREF(entry.value);
}

int put_entry(LruCache& cache, PyObject* key, PyObject* value, PyObject* given_weight,
              PyObject* given_ttl) {
  Py_ssize_t weight = 1;
  double deadline = 0;
  if (!parse_weight(cache, key, value, given_weight, weight)) return -1;
  if (!parse_deadline(cache, given_ttl, deadline)) return -1;
  std::uint32_t hash = 0;
  EntryIndex::Place place = EntryIndex::kNone;
  if (cache.index->size() == static_cast<std::size_t>(cache.max_size)) {
    cache.index->prefetch_oldest();
    __builtin_prefetch((*cache.index)[cache.index->oldest()].key, 1);
  }
  // Nothing foreign runs between the search and the change.
  if (!find_key(cache, key, hash, place)) return -1;
  const bool timed =
      deadline != std::numeric_limits<double>::infinity() || !cache.deadlines->empty();
  PyObject* old = nullptr;
  CacheEntry evicted{nullptr, nullptr};
  if (place == EntryIndex::kNone) {
    if (cache.index->size() == static_cast<std::size_t>(cache.max_size)) {
      // Out before in, so that the index never holds more than the bound.
      ++cache.evictions;
      evicted = take_out(cache, cache.index->oldest());
    }
    try {
      reserve_books(cache, timed);
      place = cache.index->insert(hash, {key, value});
    } catch (const std::bad_alloc&) {
      if (evicted.key != nullptr) discard(cache, evicted, "evicted");
      PyErr_NoMemory();
      return -1;
    }
    Py_INCREF(key);
    Py_INCREF(value);
    if (cache.max_weight != 0) (*cache.weights)[place] = 0;
  } else {
    try {
      reserve_books(cache, timed);
    } catch (const std::bad_alloc&) {
      PyErr_NoMemory();
      return -1;
    }
    old = (*cache.index)[place].value;
    (*cache.index)[place].value = Py_NewRef(value);
    cache.index->touch(place);
  }
  if (timed) (*cache.deadlines)[place] = deadline;
  if (cache.max_weight != 0) {
    cache.weight += weight - (*cache.weights)[place];
    (*cache.weights)[place] = weight;
  }
  if (evicted.key != nullptr) discard(cache, evicted, "evicted");
  Py_XDECREF(old);
  if (cache.max_weight != 0 && cache.weight > cache.max_weight) evict_down(cache);
  return 0;
}

}  // namespace klg::bindings
