#pragma once

#include "slot_pool.hpp"

namespace klg::bindings {

/// What the arrays of `row` and `view` stand on: keeps the pool alive and its slots as they are,
/// the one of a row by a pin and those of a view by a hold.
struct SlotView {
  PyObject_HEAD PyObject* pool;
  char* data;
  Py_ssize_t shape[2];
  Py_ssize_t strides[2];
  int ndim;
  enum class Keeps : unsigned char { kNothing, kSlot, kAll } keeps;
  bool ordered;  ///< Whether others must come after what `stream` has been given.
  std::uint32_t slot;
  slots::Stream stream;
};

inline SlotView& as_view(PyObject* self) { return *reinterpret_cast<SlotView*>(self); }

// In slot_view_dlpack.cpp.
PyObject* slot_view_dlpack(PyObject* self, PyObject* args, PyObject* kwargs);
PyObject* slot_view_dlpack_device(PyObject* self, PyObject*);

}  // namespace klg::bindings
