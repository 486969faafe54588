#include <limits>
#include <new>

#include "lru_cache.hpp"

namespace klg::bindings {
namespace {

constexpr EntryIndex::Place kNone = EntryIndex::kNone;

PyObject* lookup(PyObject* self, PyObject* key, bool use) {
  LruCache& cache = as_cache(self);
  double now = 0;
  // The clock is foreign code too: it runs before the search.
  const bool timed = !cache.deadlines->empty();
  if (timed && !read_clock(cache, now)) return nullptr;
  std::uint32_t hash = 0;
  EntryIndex::Place place = kNone;
  if (!find_key(cache, key, hash, place)) return nullptr;
  if (place == kNone) return nullptr;
  if (timed && expired(cache, place, now)) {
    ++cache.expirations;
    discard(cache, take_out(cache, place), "expired");
    return nullptr;
  }
  if (use) cache.index->touch(place);
  return Py_NewRef((*cache.index)[place].value);
}

PyObject* get(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  if (count < 1 || count > 2) {
    return PyErr_Format(PyExc_TypeError, "get(key, default=None) takes 1 or 2 arguments, got %zd",
                        count);
  }
  if (PyObject* value = lookup(self, arguments[0], true)) {
    ++as_cache(self).hits;
    return value;
  }
  if (PyErr_Occurred() != nullptr) return nullptr;
  ++as_cache(self).misses;
  return Py_NewRef(count == 2 ? arguments[1] : Py_None);
}

PyObject* peek(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  if (count < 1 || count > 2) {
    return PyErr_Format(PyExc_TypeError, "peek(key, default=None) takes 1 or 2 arguments, got %zd",
                        count);
  }
  PyObject* value = lookup(self, arguments[0], false);
  if (value != nullptr || PyErr_Occurred() != nullptr) return value;
  return Py_NewRef(count == 2 ? arguments[1] : Py_None);
}

PyObject* put(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* names) {
  if (count != 2) {
    return PyErr_Format(PyExc_TypeError,
                        "put(key, value, *, weight, ttl): expected 2 arguments, got %zd", count);
  }
  PyObject* weight = nullptr;
  PyObject* ttl = nullptr;
  for (Py_ssize_t k = 0; names != nullptr && k < PyTuple_GET_SIZE(names); ++k) {
    PyObject* name = PyTuple_GET_ITEM(names, k);
    if (PyUnicode_CompareWithASCIIString(name, "weight") == 0) {
      weight = arguments[count + k];
    } else if (PyUnicode_CompareWithASCIIString(name, "ttl") == 0) {
      ttl = arguments[count + k];
    } else {
      return PyErr_Format(PyExc_TypeError, "put: unexpected argument '%U'", name);
    }
  }
  if (put_entry(as_cache(self), arguments[0], arguments[1], weight, ttl) != 0) return nullptr;
  Py_RETURN_NONE;
}

// Removes a key and gives its value; null without an error where it is absent.
PyObject* remove(PyObject* self, PyObject* key) {
  LruCache& cache = as_cache(self);
  std::uint32_t hash = 0;
  EntryIndex::Place place = kNone;
  if (!find_key(cache, key, hash, place) || place == kNone) return nullptr;
  const CacheEntry entry = take_out(cache, place);
  Py_DECREF(entry.key);
  return entry.value;
}

PyObject* pop(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  if (count < 1 || count > 2) {
    return PyErr_Format(PyExc_TypeError, "pop(key, default=None) takes 1 or 2 arguments, got %zd",
                        count);
  }
  PyObject* value = remove(self, arguments[0]);
  if (value != nullptr || PyErr_Occurred() != nullptr) return value;
  return Py_NewRef(count == 2 ? arguments[1] : Py_None);
}

int contains(PyObject* self, PyObject* key) {
  PyObject* value = lookup(self, key, false);
  if (value == nullptr) return PyErr_Occurred() != nullptr ? -1 : 0;
  Py_DECREF(value);
  return 1;
}

PyObject* subscript(PyObject* self, PyObject* key) {
  PyObject* value = lookup(self, key, true);
  if (value != nullptr) {
    ++as_cache(self).hits;
  } else if (PyErr_Occurred() == nullptr) {
    ++as_cache(self).misses;
    PyErr_SetObject(PyExc_KeyError, key);
  }
  return value;
}

int assign(PyObject* self, PyObject* key, PyObject* value) {
  if (value != nullptr) return put_entry(as_cache(self), key, value, nullptr, nullptr);
  PyObject* old = remove(self, key);
  if (old == nullptr) {
    if (PyErr_Occurred() == nullptr) PyErr_SetObject(PyExc_KeyError, key);
    return -1;
  }
  Py_DECREF(old);
  return 0;
}

Py_ssize_t length(PyObject* self) { return static_cast<Py_ssize_t>(as_cache(self).index->size()); }

PyObject* keys(PyObject* self, PyObject*) {
  const EntryIndex& index = *as_cache(self).index;
  // The list's own allocation may collect garbage, and that may change the cache.
  PyObject* list = PyList_New(0);
  if (list == nullptr) return nullptr;
  const std::uint64_t version = index.version();
  for (EntryIndex::Place place = index.oldest(); place != kNone; place = index.newer(place)) {
    if (PyList_Append(list, index[place].key) != 0) {
      Py_DECREF(list);
      return nullptr;
    }
    if (index.version() != version) {
      Py_DECREF(list);
      PyErr_SetString(PyExc_RuntimeError, "keys: the cache changed while they were listed");
      return nullptr;
    }
  }
  return list;
}

// Entries out of the cache first, all of them, and then what foreign code makes of it.
std::vector<CacheEntry> take_out_if(LruCache& cache, double now, bool all) {
  std::vector<CacheEntry> out;
  out.reserve(cache.index->size());
  for (EntryIndex::Place place = cache.index->oldest(); place != kNone;) {
    const EntryIndex::Place next = cache.index->newer(place);
    if (all || expired(cache, place, now)) out.push_back(take_out(cache, place));
    place = next;
  }
  return out;
}

PyObject* expire(PyObject* self, PyObject*) {
  LruCache& cache = as_cache(self);
  double now = 0;
  if (!read_clock(cache, now)) return nullptr;
  try {
    const std::vector<CacheEntry> gone = take_out_if(cache, now, false);
    cache.expirations += gone.size();
    for (const CacheEntry& entry : gone) discard(cache, entry, "expired");
    return PyLong_FromSize_t(gone.size());
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

// No vector here: called by the collector and the destructor, it must not fail.
int drop_all(PyObject* self) {
  LruCache& cache = as_cache(self);
  if (cache.index == nullptr) return 0;
  while (cache.index->size() != 0) {
    const CacheEntry entry = take_out(cache, cache.index->oldest());
    Py_DECREF(entry.key);
    Py_DECREF(entry.value);
  }
  return 0;
}

PyObject* clear(PyObject* self, PyObject*) {
  drop_all(self);
  Py_RETURN_NONE;
}

PyObject* stats(PyObject* self, PyObject*) {
  const LruCache& cache = as_cache(self);
  const std::uint64_t asked = cache.hits + cache.misses;
  return Py_BuildValue(
      "{sn sn sK sK sd sK sK sK sn sn sn}", "size", length(self), "max_size", cache.max_size,
      "hits", cache.hits, "misses", cache.misses, "hit_rate",
      asked == 0 ? 0.0 : static_cast<double>(cache.hits) / static_cast<double>(asked), "evictions",
      cache.evictions, "expirations", cache.expirations, "callback_errors", cache.callback_errors,
      "weight", cache.max_weight == 0 ? length(self) : cache.weight, "max_weight", cache.max_weight,
      "overhead_bytes",
      static_cast<Py_ssize_t>(cache.index->bytes() + cache.deadlines->capacity() * sizeof(double) +
                              cache.weights->capacity() * sizeof(Py_ssize_t)));
}

bool callable_or_none(PyObject* object, const char* name, PyObject*& target) {
  target = nullptr;
  if (object == nullptr || object == Py_None) return true;
  if (PyCallable_Check(object) == 0) {
    PyErr_Format(PyExc_TypeError, "%s: expected a callable or None, got %s", name,
                 Py_TYPE(object)->tp_name);
    return false;
  }
  target = Py_NewRef(object);
  return true;
}

PyObject* new_cache(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  Py_ssize_t max_size = 10'000;
  PyObject *ttl = Py_None, *max_weight = Py_None, *weigher = Py_None, *on_evict = Py_None,
           *clock = Py_None;
  static const char* keywords[] = {"max_size", "ttl",   "max_weight", "weigher",
                                   "on_evict", "clock", nullptr};
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "|n$OOOOO:LRUCache", const_cast<char**>(keywords),
                                  &max_size, &ttl, &max_weight, &weigher, &on_evict, &clock) == 0) {
    return nullptr;
  }
  constexpr Py_ssize_t kMost = Py_ssize_t{1} << 31;
  if (max_size < 1 || max_size > kMost) {
    return PyErr_Format(PyExc_ValueError, "max_size: expected 1..%zd, got %zd", kMost, max_size);
  }
  double seconds = 0;
  if (ttl != Py_None) {
    seconds = PyFloat_AsDouble(ttl);
    if (seconds == -1.0 && PyErr_Occurred() != nullptr) return nullptr;
    if (!(seconds > 0))
      return PyErr_Format(PyExc_ValueError, "ttl: expected seconds > 0, got %R", ttl);
  }
  Py_ssize_t most_weight = 0;
  if (max_weight != Py_None) {
    most_weight = PyNumber_AsSsize_t(max_weight, PyExc_OverflowError);
    if (most_weight == -1 && PyErr_Occurred() != nullptr) return nullptr;
    if (most_weight < 1) {
      return PyErr_Format(PyExc_ValueError, "max_weight: expected at least 1, got %R", max_weight);
    }
  }
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  LruCache& cache = as_cache(self);
  cache.max_size = max_size;
  cache.max_weight = most_weight;
  cache.ttl = seconds;
  try {
    cache.deadlines = new std::vector<double>();
    cache.weights = new std::vector<Py_ssize_t>();
    cache.index = new EntryIndex(static_cast<std::size_t>(max_size));
  } catch (const std::bad_alloc&) {
    Py_DECREF(self);
    return PyErr_NoMemory();
  }
  if (!callable_or_none(weigher, "weigher", cache.weigher) ||
      !callable_or_none(on_evict, "on_evict", cache.on_evict) ||
      !callable_or_none(clock, "clock", cache.clock)) {
    Py_DECREF(self);
    return nullptr;
  }
  return self;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  const LruCache& cache = as_cache(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(cache.on_evict);
  Py_VISIT(cache.weigher);
  Py_VISIT(cache.clock);
  if (cache.index == nullptr) return 0;
  const EntryIndex& index = *cache.index;
  for (EntryIndex::Place place = index.newest(); place != kNone; place = index.older(place)) {
    Py_VISIT(index[place].key);
    Py_VISIT(index[place].value);
  }
  return 0;
}

int tp_clear(PyObject* self) {
  LruCache& cache = as_cache(self);
  Py_CLEAR(cache.on_evict);
  Py_CLEAR(cache.weigher);
  Py_CLEAR(cache.clock);
  return drop_all(self);
}

void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  PyTypeObject* type = Py_TYPE(self);
  tp_clear(self);
  LruCache& cache = as_cache(self);
  delete cache.index;
  delete cache.deadlines;
  delete cache.weights;
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* get_max_size(PyObject* self, void*) {
  return PyLong_FromSsize_t(as_cache(self).max_size);
}
PyObject* get_hits(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(as_cache(self).hits);
}
PyObject* get_misses(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(as_cache(self).misses);
}

// METH_FASTCALL functions have another signature than PyMethodDef's.
PyCFunction fast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}
PyCFunction fast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"get", fast(&get), METH_FASTCALL,
     "get(self, key: typing.Any, default: typing.Any = None, /) -> typing.Any\n\nGive the value of "
     "a key and mark it used."},
    {"peek", fast(&peek), METH_FASTCALL,
     "peek(self, key: typing.Any, default: typing.Any = None, /) -> typing.Any\n\nGive the value "
     "of a key; neither use nor counted."},
    {"put", fast(&put), METH_FASTCALL | METH_KEYWORDS,
     "put(self, key: typing.Any, value: typing.Any, *, weight: int | None = None, ttl: float | "
     "None = None) -> None\n\nStore a value as the most "
     "recently "
     "used; the least recently used go where a bound is met."},
    {"pop", fast(&pop), METH_FASTCALL,
     "pop(self, key: typing.Any, default: typing.Any = None, /) -> typing.Any\n\nRemove a key and "
     "give its value."},
    {"keys", keys, METH_NOARGS,
     "keys(self) -> list[typing.Any]\n\nList the keys, least recently used first."},
    {"expire", expire, METH_NOARGS,
     "expire(self) -> int\n\nRemove every entry that has outlived its time; say how many."},
    {"clear", clear, METH_NOARGS,
     "clear(self) -> None\n\nRemove every entry; the callback is not told."},
    {"stats", stats, METH_NOARGS,
     "stats(self) -> dict[str, typing.Any]\n\nCount entries, hits and evictions."},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef getters[] = {
    {"max_size", get_max_size, nullptr, "The most entries that are kept.", nullptr},
    {"hits", get_hits, nullptr, "Lookups that found their key.", nullptr},
    {"misses", get_misses, nullptr, "Lookups that did not.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyType_Slot type_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(&new_cache)},
    {Py_tp_dealloc, reinterpret_cast<void*>(&dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(&traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(&tp_clear)},
    {Py_tp_methods, methods},
    {Py_tp_getset, getters},
    {Py_mp_length, reinterpret_cast<void*>(&length)},
    {Py_mp_subscript, reinterpret_cast<void*>(&subscript)},
    {Py_mp_ass_subscript, reinterpret_cast<void*>(&assign)},
    {Py_sq_contains, reinterpret_cast<void*>(&contains)},
    {Py_tp_doc, const_cast<char*>("Keeps the most recently used entries within its bounds.")},
    {0, nullptr}};

PyType_Spec spec = {"kimera_leakguard_native._core.cache.LRUCache", sizeof(LruCache), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, type_slots};

}  // namespace

PyObject* make_lru_cache_type() { return PyType_FromSpec(&spec); }

}  // namespace klg::bindings
