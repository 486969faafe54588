#include "slot_pool.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <new>

#include "bindings.hpp"
#include "klg/core/error.hpp"

namespace klg::bindings {
namespace {

using slots::Handle;
using slots::SlotStatus;

constexpr Py_ssize_t kDefaultCapacity = Py_ssize_t{1} << 20;

std::string describe(const SlotPool& pool) {
  return (pool.name->empty() ? std::string("this SlotPool") : "SlotPool '" + *pool.name + "'") +
         " (dim " + std::to_string(pool.dim) + ", " + pool.item->name + ", capacity " +
         std::to_string(pool.arena->capacity()) + ")";
}

std::string describe(const LineLeases& line) {
  if (line.file.empty()) return "lines unknown";
  return line.file + ":" + std::to_string(line.line) + " in " + line.function;
}

PyObject* slot_pool_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  Py_ssize_t dim = 0;
  Py_ssize_t capacity = kDefaultCapacity;
  Py_ssize_t alignment = 1;
  PyObject* dtype = nullptr;
  const char* device = "cpu";
  const char* name = "";
  int poison = 0;
  static const char* keywords[] = {"dim",       "dtype",  "capacity", "device",
                                   "alignment", "poison", "name",     nullptr};
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "n|Ons$nps:SlotPool", const_cast<char**>(keywords),
                                  &dim, &dtype, &capacity, &device, &alignment, &poison,
                                  &name) == 0) {
    return nullptr;
  }
  const ItemType* item = parse_item_type(dtype);
  int number = -1;
  if (item == nullptr || !parse_device(device, number)) return nullptr;
  if (dim < 1 || dim > PY_SSIZE_T_MAX / 16) {
    return PyErr_Format(PyExc_ValueError, "dim: expected at least 1, got %zd", dim);
  }
  if (capacity < 1 || capacity > Py_ssize_t{slots::kMaxCapacity}) {
    return PyErr_Format(PyExc_ValueError, "capacity: expected 1..%u, got %zd", slots::kMaxCapacity,
                        capacity);
  }
  if (alignment < 1 || alignment > 4096 || (alignment & (alignment - 1)) != 0) {
    return PyErr_Format(PyExc_ValueError, "alignment: expected a power of two up to 4096, got %zd",
                        alignment);
  }
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  SlotPool& pool = as_pool(self);
  new (&pool.arena) std::unique_ptr<slots::SlotArena>();
  new (&pool.sites) std::unique_ptr<LeaseSites>();
  new (&pool.events) std::unique_ptr<cuda::DeviceEvents>();
  new (&pool.order) std::unique_ptr<slots::StreamOrder>();
  pool.device = number;
  pool.name = nullptr;
  pool.item = item;
  pool.dim = dim;
  try {
    pool.name = new std::string(name);
    pool.sites = std::make_unique<LeaseSites>(static_cast<std::uint32_t>(capacity));
    make_arena(pool, {.row_bytes = static_cast<std::size_t>(dim * item->size),
                      .alignment = static_cast<std::size_t>(std::max(alignment, item->size)),
                      .capacity = static_cast<std::uint32_t>(capacity),
                      .poison = poison != 0});
  } catch (const CudaUnavailable& e) {
    raise_own("CudaUnavailable", std::string("SlotPool: device '") + device + "': " + e.what());
  } catch (const OutOfMemory& e) {
    raise_own("SlotExhausted", std::string("SlotPool: ") + e.what());
  } catch (const Error& e) {
    PyErr_Format(PyExc_ValueError, "SlotPool: %s", e.what());
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  }
  if (!pool.arena) {
    Py_DECREF(self);
    return nullptr;
  }
  return self;
}

void slot_pool_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  delete as_pool(self).name;
  as_pool(self).order.~unique_ptr();
  as_pool(self).events.~unique_ptr();
  as_pool(self).sites.~unique_ptr();
  as_pool(self).arena.~unique_ptr();
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* allocate(PyObject* self, PyObject*) {
  SlotPool& pool = as_pool(self);
  try {
    if (const Handle handle = take_slot(pool)) [[likely]] {
      pool.sites->note(pool.arena->index(handle));
      return PyLong_FromUnsignedLongLong(handle);
    }
  } catch (const OutOfMemory& e) {
    return exhausted(pool, "allocate", 1, e.what());
  } catch (const Error& e) {
    return PyErr_Format(PyExc_RuntimeError, "allocate: %s", e.what());
  }
  return exhausted(pool, "allocate", 1);
}

PyObject* release(PyObject* self, PyObject* object) {
  SlotPool& pool = as_pool(self);
  Handle handle = 0;
  if (!parse_handle(object, handle)) return nullptr;
  const SlotStatus status = pool.arena->release(handle);
  if (status != SlotStatus::kLive) [[unlikely]]
    return refuse(pool, "free", handle, status);
  Py_RETURN_NONE;
}

PyObject* is_live(PyObject* self, PyObject* object) {
  Handle handle = 0;
  if (!parse_handle(object, handle)) return nullptr;
  return PyBool_FromLong(as_pool(self).arena->status(handle) == SlotStatus::kLive);
}

PyObject* index_of(PyObject* self, PyObject* object) {
  SlotPool& pool = as_pool(self);
  Handle handle = 0;
  if (!parse_handle(object, handle)) return nullptr;
  const SlotStatus status = pool.arena->status(handle);
  if (status != SlotStatus::kLive) return refuse(pool, "index", handle, status);
  return PyLong_FromUnsignedLong(pool.arena->index(handle));
}

PyObject* shrink(PyObject* self, PyObject*) {
  try {
    SlotPool& pool = as_pool(self);
    if (pool.order != nullptr) pool.order->poll();
    return PyLong_FromSize_t(pool.arena->shrink());
  } catch (const Error& e) {
    return PyErr_Format(PyExc_RuntimeError, "shrink: %s", e.what());
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

PyObject* stats(PyObject* self, PyObject*) {
  const slots::SlotArena& arena = *as_pool(self).arena;
  const slots::SlotStatistics s = arena.statistics();
  const std::uint64_t used = s.live * arena.row_bytes();
  const double utilization =
      s.committed_bytes == 0 ? 1.0
                             : static_cast<double>(used) / static_cast<double>(s.committed_bytes);
  return Py_BuildValue(
      "{sI sK sK sK sK sK sK sK sK sK sK sn sn sK sn sn sn sd}", "capacity", arena.capacity(),
      "live", s.live, "deferred", s.deferred, "pins", s.pins, "free_committed", s.free_committed,
      "peak", s.peak, "allocations", s.allocations, "releases", s.releases, "growths", s.growths,
      "shrinks", s.shrinks, "poison_violations", s.poison_violations, "row_bytes",
      static_cast<Py_ssize_t>(arena.row_bytes()), "padding_bytes",
      static_cast<Py_ssize_t>(arena.stride() - arena.row_bytes()), "used_bytes", used,
      "committed_bytes", static_cast<Py_ssize_t>(s.committed_bytes), "reserved_bytes",
      static_cast<Py_ssize_t>(s.reserved_bytes), "metadata_bytes",
      static_cast<Py_ssize_t>(s.metadata_bytes), "utilization", utilization);
}

PyObject* repr(PyObject* self) {
  const SlotPool& pool = as_pool(self);
  return PyUnicode_FromFormat("<SlotPool%s%s: %llu of %u slots of %zd %s live>",
                              pool.name->empty() ? "" : " ", pool.name->c_str(), pool.arena->live(),
                              pool.arena->capacity(), pool.dim, pool.item->name);
}

Py_ssize_t length(PyObject* self) { return static_cast<Py_ssize_t>(as_pool(self).arena->live()); }

PyObject* get_dim(PyObject* self, void*) { return PyLong_FromSsize_t(as_pool(self).dim); }
PyObject* get_dtype(PyObject* self, void*) {
  return PyUnicode_FromString(as_pool(self).item->name);
}
PyObject* get_capacity(PyObject* self, void*) {
  return PyLong_FromUnsignedLong(as_pool(self).arena->capacity());
}
PyObject* get_device(PyObject* self, void*) {
  const int device = as_pool(self).device;
  return device < 0 ? PyUnicode_FromString("cpu") : PyUnicode_FromFormat("cuda:%d", device);
}
PyObject* get_name(PyObject* self, void*) {
  return PyUnicode_FromString(as_pool(self).name->c_str());
}

PyCFunction with_keywords(PyObject* (*function)(PyObject*, PyObject*, PyObject*)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"allocate", allocate, METH_NOARGS,
     "allocate(self) -> int\n\nHand out the lowest free slot and give its handle.\n\n"
     "Raises SlotExhausted where every slot is in use or the system has no memory."},
    {"free", release, METH_O,
     "free(self, handle: typing.SupportsIndex) -> None\n\nEnd the life of a handle.\n\n"
     "A slot with a live `row` is handed out again only when the last such row is gone. Raises\n"
     "DoubleFree for a handle freed before, ForeignHandle for one that is not this pool's."},
    {"alloc_many", slot_pool_alloc_many, METH_O,
     "alloc_many(self, n: typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]\n\nHand out n "
     "slots, or none and raise SlotExhausted.\n\n"
     "Gives their handles, an int64 array of shape (n,)."},
    {"free_many", slot_pool_free_many, METH_O,
     "free_many(self, handles: numpy.typing.NDArray[numpy.int64] | typing.Sequence[int]) -> "
     "None\n\nFree all the handles, or none if one of them is not "
     "live.\n\nTakes an int64 array of shape (n,) or a sequence of ints."},
    {"view", with_keywords(slot_pool_view), METH_VARARGS | METH_KEYWORDS,
     "view(self, *, stream: int | None = None) -> typing.Any\n\nGive the rows that have memory as "
     "one array (rows, dim), without a copy.\n\nRow `index(handle)` is that of a handle; "
     "`occupancy` tells live rows from free ones.\nWhile the array lives, or any made from it, no "
     "slot that was live is handed out again\nwhen it is freed: take it for a computation and let "
     "it go. It does not grow with the pool.\nA numpy array, on a device a `SlotView`; `stream` as "
     "for `row`."},
    {"row", with_keywords(slot_pool_row), METH_VARARGS | METH_KEYWORDS,
     "row(self, handle: typing.SupportsIndex, *, stream: int | None = None) -> typing.Any\n\nGive "
     "the row of a live handle as an array (dim,), without a copy.\n\nWhile the array lives its "
     "slot is not handed out again, even if it is freed. A numpy array; on\na device a `SlotView`, "
     "which torch and CuPy take. `stream` is the CUDA stream that the row was\nlast worked on: "
     "whoever takes it is made to wait for that."},
    {"address", slot_pool_address, METH_O,
     "address(self, handle: typing.SupportsIndex) -> int\n\nGive where the row of a live handle "
     "is, in the memory of the pool's device."},
    {"clear", slot_pool_clear, METH_O,
     "clear(self, handle: typing.SupportsIndex) -> None\n\nSet the row of a live handle to zeros; "
     "done when it returns, wherever the row is."},
    {"read", slot_pool_read, METH_O,
     "read(self, handle: typing.SupportsIndex) -> numpy.typing.NDArray[typing.Any]\n\nCopy the row "
     "of a live handle to a new array (dim,) in host memory."},
    {"write", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(slot_pool_write)),
     METH_FASTCALL,
     "write(self, handle: typing.SupportsIndex, values: numpy.typing.ArrayLike, /) -> None\n\n"
     "Copy values of shape (dim,), converted to the pool's dtype, to the row of a live handle.\n\n"
     "Done when it returns, wherever the row is."},
    {"occupancy", slot_pool_occupancy, METH_NOARGS,
     "occupancy(self) -> numpy.typing.NDArray[numpy.bool_]\n\nSay which rows of `view` are live: a "
     "bool array (rows,)."},
    {"live_handles", slot_pool_live_handles, METH_NOARGS,
     "live_handles(self) -> numpy.typing.NDArray[numpy.int64]\n\nGive the handles of all live "
     "slots, by slot: int64 (n,)."},
    {"allocate_for", slot_pool_allocate_for, METH_O,
     "allocate_for(self, stream: typing.SupportsIndex) -> int\n\nHand out a slot for work on a "
     "CUDA stream: at once one that the stream itself has freed."},
    {"free_after",
     reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(slot_pool_free_after)),
     METH_FASTCALL,
     "free_after(self, handle: typing.SupportsIndex, stream: typing.SupportsIndex, /) -> None\n\n"
     "Free a slot behind what a CUDA stream has been given so far; errors are those of `free`."},
    {"holders", slot_pool_holders, METH_NOARGS,
     "holders(self) -> list[tuple[str, int, str, int, float]]\n\nSay which lines hold the live "
     "slots, most slots first.\n\nEach is (file, line, function, slots, age in seconds of the "
     "oldest); the file is empty where\nthe interpreter's frames cannot be read."},
    {"index", index_of, METH_O,
     "index(self, handle: typing.SupportsIndex) -> int\n\nGive the row of `view` that a live "
     "handle stands for."},
    {"is_live", is_live, METH_O,
     "is_live(self, handle: typing.SupportsIndex) -> bool\n\nSay whether a handle is live in this "
     "pool."},
    {"shrink", shrink, METH_NOARGS,
     "shrink(self) -> int\n\nGive every page back on which only free slots lie; say how many "
     "bytes.\n\nLive rows are not touched and handles stay valid."},
    {"stats", stats, METH_NOARGS,
     "stats(self) -> dict[str, typing.Any]\n\nCount slots and bytes; see "
     "`kimera_leakguard_native.gpu.slots`."},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef getters[] = {
    {"dim", get_dim, nullptr, "Items a row.", nullptr},
    {"dtype", get_dtype, nullptr, "Type of an item, by numpy's name.", nullptr},
    {"capacity", get_capacity, nullptr, "Slots that the pool can grow to.", nullptr},
    {"device", get_device, nullptr, "Where the rows are: 'cpu' or 'cuda:N'.", nullptr},
    {"name", get_name, nullptr, "What messages call the pool.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyType_Slot type_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(&slot_pool_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(&slot_pool_dealloc)},
    {Py_tp_repr, reinterpret_cast<void*>(&repr)},
    {Py_sq_length, reinterpret_cast<void*>(&length)},
    {Py_tp_methods, methods},
    {Py_tp_getset, getters},
    {Py_tp_doc,
     const_cast<char*>("Fixed-size rows that never move, behind handles that are checked.")},
    {0, nullptr}};

PyType_Spec spec = {"kimera_leakguard_native._core.slots.SlotPool", sizeof(SlotPool), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, type_slots};

}  // namespace

bool parse_handle(PyObject* object, Handle& handle) {
  if (!PyLong_Check(object)) {
    // numpy integers of a handle array have __index__.
    PyObject* number = PyNumber_Index(object);
    if (number == nullptr) {
      PyErr_Format(PyExc_TypeError, "expected a handle, an int that allocate() gave; got %s",
                   Py_TYPE(object)->tp_name);
      return false;
    }
    const bool parsed = parse_handle(number, handle);
    Py_DECREF(number);
    return parsed;
  }
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
  handle = overflow != 0 || value < 0 ? 0 : static_cast<Handle>(value);
  return true;
}

PyObject* refuse(const SlotPool& pool, const char* what, Handle handle, SlotStatus status) {
  char text[32];
  std::snprintf(text, sizeof text, "%#" PRIx64, handle);
  std::string message = std::string(what) + ": handle " + text;
  const std::string slot = "slot " + std::to_string(pool.arena->index(handle));
  const bool freeing = std::strncmp(what, "free", 4) == 0;
  switch (status) {
    case SlotStatus::kFreed:
      message += " was freed before; " + slot + " of " + describe(pool) + " is free";
      raise_own(freeing ? "DoubleFree" : "StaleHandle", message);
      break;
    case SlotStatus::kRecycled:
      message += " was freed before; " + slot + " of " + describe(pool) +
                 " has been handed out again since";
      raise_own(freeing ? "DoubleFree" : "StaleHandle", message);
      break;
    default:
      raise_own("ForeignHandle", message + " was never handed out by " + describe(pool));
  }
  return nullptr;
}

PyObject* exhausted(const SlotPool& pool, const char* what, std::size_t wanted,
                    const char* reason) {
  const slots::SlotStatistics s = pool.arena->statistics();
  std::string message = std::string(what) + ": " + describe(pool) + " has no room for " +
                        std::to_string(wanted) + " more: " + std::to_string(s.live) + " live, " +
                        std::to_string(s.deferred) + " freed but held by a row() or a view()";
  if (reason != nullptr) {
    message += std::string("; ") + reason;
  } else {
    message += "; free some, or give the pool a larger capacity (it costs address space only)";
  }
  try {
    constexpr std::size_t kNamed = 5;
    std::vector<LineLeases> lines = pool.sites->holders(*pool.arena);
    if (lines.size() > kNamed) lines.resize(kNamed);
    for (const LineLeases& line : lines) {
      message += (&line == lines.data() ? ". Held: " : "; ") + std::to_string(line.count) + " by " +
                 describe(line) + ", the oldest for " +
                 std::to_string(static_cast<long long>(line.oldest_s)) + " s";
    }
  } catch (const std::bad_alloc&) {  // then without the lines
  }
  raise_own("SlotExhausted", message);
  return nullptr;
}

PyObject* make_slot_pool_type() { return PyType_FromSpec(&spec); }

}  // namespace klg::bindings
