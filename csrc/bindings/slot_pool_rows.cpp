// One row, copied to and from the host: all that is uniform over host and device memory.
#include "bindings.hpp"
#include "klg/core/error.hpp"
#include "new_array.hpp"
#include "slot_pool.hpp"

namespace klg::bindings {
namespace {

using slots::Handle;
using slots::SlotStatus;

// Runs `work` on the slot of a live handle, which stays as it is meanwhile. False with an error
// set.
template <class Work>
bool on_live_slot(SlotPool& pool, const char* what, PyObject* object, Work work) {
  Handle handle = 0;
  if (!parse_handle(object, handle)) return false;
  const SlotStatus status = pool.arena->pin(handle);
  if (status != SlotStatus::kLive) {
    refuse(pool, what, handle, status);
    return false;
  }
  const std::uint32_t slot = pool.arena->index(handle);
  std::string failure;
  try {
    if (pool.device < 0) {
      work(slot);
    } else {  // copies wait for the device
      const pybind11::gil_scoped_release unlocked;
      work(slot);
    }
  } catch (const Error& e) {
    failure = std::string(what) + ": " + e.what();
  }
  pool.arena->unpin(slot);
  if (failure.empty()) return true;
  PyErr_SetString(PyExc_RuntimeError, failure.c_str());
  return false;
}

}  // namespace

PyObject* slot_pool_clear(PyObject* self, PyObject* handle) {
  SlotPool& pool = as_pool(self);
  const bool done = on_live_slot(pool, "clear", handle, [&pool](std::uint32_t slot) {
    pool.arena->fill_row(slot, std::byte{0});
  });
  if (!done) return nullptr;
  Py_RETURN_NONE;
}

PyObject* slot_pool_read(PyObject* self, PyObject* handle) {
  SlotPool& pool = as_pool(self);
  NewArray array(static_cast<std::size_t>(pool.dim), pool.item->name);
  if (!array) return nullptr;
  const bool done = on_live_slot(pool, "read", handle, [&](std::uint32_t slot) {
    pool.arena->read_row(slot, array.data<void>());
  });
  return done ? array.give() : nullptr;
}

PyObject* slot_pool_write(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  SlotPool& pool = as_pool(self);
  if (count != 2) {
    return PyErr_Format(PyExc_TypeError, "write(handle, values) takes 2 arguments, got %zd", count);
  }
  PyObject* values = call_numpy("ascontiguousarray", "(Os)", arguments[1], pool.item->name);
  if (values == nullptr) return nullptr;
  Py_buffer buffer;
  if (PyObject_GetBuffer(values, &buffer, PyBUF_ND) != 0) {
    Py_DECREF(values);
    return nullptr;
  }
  bool done = false;
  if (buffer.ndim == 1 && buffer.shape[0] == pool.dim) {
    done = on_live_slot(pool, "write", arguments[0],
                        [&](std::uint32_t slot) { pool.arena->write_row(slot, buffer.buf); });
  } else {
    PyObject* shape = PyObject_GetAttrString(values, "shape");
    if (shape != nullptr) {
      PyErr_Format(PyExc_ValueError, "write: expected values of shape (%zd,), got %R", pool.dim,
                   shape);
      Py_DECREF(shape);
    }
  }
  PyBuffer_Release(&buffer);
  Py_DECREF(values);
  if (!done) return nullptr;
  Py_RETURN_NONE;
}

PyObject* slot_pool_address(PyObject* self, PyObject* object) {
  SlotPool& pool = as_pool(self);
  Handle handle = 0;
  if (!parse_handle(object, handle)) return nullptr;
  const SlotStatus status = pool.arena->status(handle);
  if (status != SlotStatus::kLive) return refuse(pool, "address", handle, status);
  return PyLong_FromVoidPtr(pool.arena->row(pool.arena->index(handle)));
}

}  // namespace klg::bindings
