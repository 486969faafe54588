#pragma once

#include <Python.h>

#include <memory>
#include <span>
#include <string>

#include "item_type.hpp"
#include "klg/cuda/device_events.hpp"
#include "klg/slots/slot_arena.hpp"
#include "klg/slots/stream_order.hpp"
#include "lease_sites.hpp"

namespace klg::bindings {

/// `SlotPool`: a plain C-API type, because a call through pybind11 costs more than the work.
struct SlotPool {
  PyObject_HEAD std::unique_ptr<slots::SlotArena> arena;
  std::unique_ptr<LeaseSites> sites;
  std::unique_ptr<cuda::DeviceEvents> events;  ///< Of a device; null for host memory.
  std::unique_ptr<slots::StreamOrder> order;   ///< With `events`.
  int device;                                  ///< -1: host memory.
  const ItemType* item;
  Py_ssize_t dim;
  std::string* name;
};

inline SlotPool& as_pool(PyObject* self) { return *reinterpret_cast<SlotPool*>(self); }

/// The handle in a Python int. Raises TypeError for no int; one out of range is nobody's handle: 0.
bool parse_handle(PyObject* object, slots::Handle& handle);

/// Raises the error of the package that fits a handle which is not live; gives null.
PyObject* refuse(const SlotPool& pool, const char* what, slots::Handle handle,
                 slots::SlotStatus status);

/// Raises SlotExhausted for `wanted` more slots; `reason` is that of the system, if it refused.
PyObject* exhausted(const SlotPool& pool, const char* what, std::size_t wanted,
                    const char* reason = nullptr);

/// Raises an error of the package by its name.
void raise_own(const char* name, const std::string& text);

/// The number of a device in 'cpu' (-1), 'cuda' or 'cuda:N': false with ValueError set otherwise.
bool parse_device(const char* device, int& number);

/// Makes the arena of a pool, and what a device needs beside it. Throws as `SlotArena`, and
/// CudaUnavailable.
void make_arena(SlotPool& pool, const slots::SlotArenaOptions& options);

/// The number of a stream in a Python int: false with an error set, also for host memory.
bool parse_stream(const SlotPool& pool, PyObject* object, slots::Stream& stream);

/// Takes one slot, or all that fit `out` or none; those that streams are done with come into play
/// where there are no others. Nothing (0, false) where too few are free. Throws as `SlotArena` and
/// `StreamOrder`.
slots::Handle take_slot(SlotPool& pool);
bool take_slots(SlotPool& pool, std::span<slots::Handle> out);

// In slot_pool_device.cpp, slot_pool_many.cpp, slot_pool_rows.cpp and slot_pool_views.cpp.
PyObject* slot_pool_allocate_for(PyObject* self, PyObject* stream);
PyObject* slot_pool_free_after(PyObject* self, PyObject* const* arguments, Py_ssize_t count);
PyObject* slot_pool_alloc_many(PyObject* self, PyObject* count);
PyObject* slot_pool_free_many(PyObject* self, PyObject* handles);
PyObject* slot_pool_holders(PyObject* self, PyObject*);
PyObject* slot_pool_live_handles(PyObject* self, PyObject*);
PyObject* slot_pool_occupancy(PyObject* self, PyObject*);
PyObject* slot_pool_view(PyObject* self, PyObject* args, PyObject* kwargs);
PyObject* slot_pool_row(PyObject* self, PyObject* args, PyObject* kwargs);
PyObject* slot_pool_address(PyObject* self, PyObject* handle);
PyObject* slot_pool_clear(PyObject* self, PyObject* handle);
PyObject* slot_pool_read(PyObject* self, PyObject* handle);
PyObject* slot_pool_write(PyObject* self, PyObject* const* arguments, Py_ssize_t count);
PyObject* make_slot_view_type();
PyObject* make_slot_pool_type();

/// Calls a function of numpy, which is imported when it is first needed.
PyObject* call_numpy(const char* function, const char* format, ...);

}  // namespace klg::bindings
