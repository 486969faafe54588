#include <cstdarg>
#include <cstring>
#include <new>
#include <span>
#include <vector>

#include "klg/core/error.hpp"
#include "new_array.hpp"
#include "slot_pool.hpp"

namespace klg::bindings {
namespace {

using slots::Handle;
using slots::SlotStatus;

PyObject* free_all(SlotPool& pool, std::span<const Handle> handles) {
  SlotStatus why{};
  const std::size_t done = pool.arena->release_many(handles, why);
  if (done == handles.size()) Py_RETURN_NONE;
  const std::string what = "free_many: at position " + std::to_string(done) + ", nothing freed";
  return refuse(pool, what.c_str(), handles[done], why);
}

bool holds_handles(const Py_buffer& buffer) {
  const char letter = buffer.format == nullptr ? 'B' : buffer.format[buffer.format[0] == '@'];
  return buffer.ndim == 1 && buffer.itemsize == 8 &&
         (letter == 'l' || letter == 'q' || letter == 'L' || letter == 'Q');
}

// An array of handles with any stride; one that is not dense is copied.
PyObject* free_array(SlotPool& pool, PyObject* handles) {
  Py_buffer buffer;
  if (PyObject_GetBuffer(handles, &buffer, PyBUF_STRIDES | PyBUF_FORMAT) != 0) return nullptr;
  PyObject* result = nullptr;
  if (!holds_handles(buffer)) {
    PyErr_SetString(PyExc_TypeError, "free_many: expected int64 handles of shape (n,)");
  } else if (const auto n = static_cast<std::size_t>(buffer.shape[0]); buffer.strides[0] == 8) {
    result = free_all(pool, {static_cast<const Handle*>(buffer.buf), n});
  } else {
    try {
      std::vector<Handle> dense(n);
      const char* at = static_cast<const char*>(buffer.buf);
      for (Handle& handle : dense) {
        std::memcpy(&handle, at, sizeof handle);
        at += buffer.strides[0];
      }
      result = free_all(pool, dense);
    } catch (const std::bad_alloc&) {
      PyErr_NoMemory();
    }
  }
  PyBuffer_Release(&buffer);
  return result;
}

}  // namespace

PyObject* call_numpy(const char* function, const char* format, ...) {
  PyObject* numpy = PyImport_ImportModule("numpy");
  if (numpy == nullptr) return nullptr;
  PyObject* callable = PyObject_GetAttrString(numpy, function);
  Py_DECREF(numpy);
  if (callable == nullptr) return nullptr;
  va_list values;
  va_start(values, format);
  PyObject* args = Py_VaBuildValue(format, values);
  va_end(values);
  PyObject* result = args == nullptr ? nullptr : PyObject_CallObject(callable, args);
  Py_XDECREF(args);
  Py_DECREF(callable);
  return result;
}

PyObject* slot_pool_alloc_many(PyObject* self, PyObject* count) {
  SlotPool& pool = as_pool(self);
  const Py_ssize_t n = PyNumber_AsSsize_t(count, PyExc_OverflowError);
  if (n == -1 && PyErr_Occurred() != nullptr) return nullptr;
  if (n < 0)
    return PyErr_Format(PyExc_ValueError, "alloc_many: n must not be negative, got %zd", n);
  const auto wanted = static_cast<std::size_t>(n);
  if (wanted > pool.arena->capacity()) return exhausted(pool, "alloc_many", wanted);
  NewArray array(wanted, "int64");
  if (!array) return nullptr;
  try {
    if (!take_slots(pool, {array.data<Handle>(), wanted})) {
      return exhausted(pool, "alloc_many", wanted);
    }
  } catch (const OutOfMemory& e) {
    return exhausted(pool, "alloc_many", wanted, e.what());
  } catch (const Error& e) {
    return PyErr_Format(PyExc_RuntimeError, "alloc_many: %s", e.what());
  }
  pool.sites->note(*pool.arena, array.data<Handle>(), wanted);
  return array.give();
}

PyObject* slot_pool_holders(PyObject* self, PyObject*) {
  const SlotPool& pool = as_pool(self);
  std::vector<LineLeases> lines;
  try {
    lines = pool.sites->holders(*pool.arena);
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  PyObject* list = PyList_New(0);
  for (const LineLeases& line : lines) {
    PyObject* row = list == nullptr
                        ? nullptr
                        : Py_BuildValue("(sisKd)", line.file.c_str(), line.line,
                                        line.function.c_str(), line.count, line.oldest_s);
    if (row == nullptr || PyList_Append(list, row) != 0) Py_CLEAR(list);
    Py_XDECREF(row);
  }
  return list;
}

PyObject* slot_pool_free_many(PyObject* self, PyObject* handles) {
  SlotPool& pool = as_pool(self);
  if (PyObject_CheckBuffer(handles)) return free_array(pool, handles);
  PyObject* sequence =
      PySequence_Fast(handles, "free_many: expected an array or a sequence of handles");
  if (sequence == nullptr) return nullptr;
  PyObject* result = nullptr;
  try {
    std::vector<Handle> parsed;
    bool good = true;
    for (Py_ssize_t k = 0; good && k < PySequence_Fast_GET_SIZE(sequence); ++k) {
      good = parse_handle(PySequence_Fast_GET_ITEM(sequence, k), parsed.emplace_back());
    }
    if (good) result = free_all(pool, parsed);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  }
  Py_DECREF(sequence);
  return result;
}

PyObject* slot_pool_live_handles(PyObject* self, PyObject*) {
  const slots::SlotArena& arena = *as_pool(self).arena;
  NewArray array(arena.live(), "int64");
  if (!array) return nullptr;
  std::size_t got = 0;
  for (std::uint32_t slot = 0; slot < arena.capacity() && got < arena.live(); ++slot) {
    const Handle handle = arena.live_handle(slot);
    if (handle != 0) array.data<Handle>()[got++] = handle;
  }
  return array.give();
}

PyObject* slot_pool_occupancy(PyObject* self, PyObject*) {
  const slots::SlotArena& arena = *as_pool(self).arena;
  const std::uint32_t rows = arena.committed_rows();
  NewArray array(rows, "bool");
  if (!array) return nullptr;
  for (std::uint32_t slot = 0; slot < rows; ++slot) {
    array.data<bool>()[slot] = arena.live_handle(slot) != 0;
  }
  return array.give();
}

}  // namespace klg::bindings
