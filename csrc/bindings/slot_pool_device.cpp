// Pools in device memory, and their frees in the order of streams.
#include <cstring>

#include "bindings.hpp"
#include "klg/core/error.hpp"
#include "klg/core/host_reservation.hpp"
#include "klg/cuda/device_reservation.hpp"
#include "slot_pool.hpp"

namespace klg::bindings {

using slots::Handle;
using slots::SlotArena;
using slots::SlotStatus;
using slots::Stream;

bool parse_stream(const SlotPool& pool, PyObject* object, Stream& stream) {
  if (pool.order == nullptr) {
    PyErr_SetString(PyExc_ValueError, "stream: host memory has no streams");
    return false;
  }
  stream = static_cast<Stream>(PyLong_AsUnsignedLongLong(object));
  return PyErr_Occurred() == nullptr;
}

// What waits for a device lets other threads run: its work may be waiting for them.
Handle take_slot(SlotPool& pool) {
  if (pool.order == nullptr) [[likely]]
    return pool.arena->allocate();
  const pybind11::gil_scoped_release unlocked;
  return pool.order->allocate();
}

bool take_slots(SlotPool& pool, std::span<Handle> out) {
  if (pool.order == nullptr) return pool.arena->allocate_many(out);
  const pybind11::gil_scoped_release unlocked;
  return pool.order->allocate_many(out);
}

void raise_own(const char* name, const std::string& text) {
  PyObject* errors = PyImport_ImportModule("kimera_leakguard_native.errors");
  if (errors == nullptr) return;
  if (PyObject* type = PyObject_GetAttrString(errors, name)) {
    PyErr_SetString(type, text.c_str());
    Py_DECREF(type);
  }
  Py_DECREF(errors);
}

bool parse_device(const char* device, int& number) {
  number = -1;
  if (std::strcmp(device, "cpu") == 0) return true;
  number = 0;
  if (std::strcmp(device, "cuda") == 0) return true;
  char* end = nullptr;
  if (std::strncmp(device, "cuda:", 5) == 0) {
    number = static_cast<int>(std::strtol(device + 5, &end, 10));
    if (end != device + 5 && *end == '\0' && number >= 0) return true;
  }
  PyErr_Format(PyExc_ValueError, "device: expected 'cpu', 'cuda' or 'cuda:N', got '%s'", device);
  return false;
}

void make_arena(SlotPool& pool, const slots::SlotArenaOptions& options) {
  if (pool.device < 0) {
    pool.arena = SlotArena::on_host(options);
    return;
  }
  const std::shared_ptr<cuda::DeviceDriver> driver = cuda::open_driver(pool.device);
  pool.arena = std::make_unique<SlotArena>(
      options, cuda::reserve_on_device(driver, SlotArena::row_area(options)),
      std::make_unique<HostReservation>(SlotArena::metadata_area(options)));
  pool.events = std::make_unique<cuda::DeviceEvents>(driver);
  pool.order = std::make_unique<slots::StreamOrder>(*pool.arena, *pool.events);
}

PyObject* slot_pool_allocate_for(PyObject* self, PyObject* object) {
  SlotPool& pool = as_pool(self);
  Stream stream = 0;
  if (!parse_stream(pool, object, stream)) return nullptr;
  try {
    const auto take = [&pool, stream] {
      const pybind11::gil_scoped_release unlocked;
      return pool.order->allocate(stream);
    };
    if (const Handle handle = take()) {
      pool.sites->note(pool.arena->index(handle));
      return PyLong_FromUnsignedLongLong(handle);
    }
  } catch (const OutOfMemory& e) {
    return exhausted(pool, "allocate_for", 1, e.what());
  } catch (const Error& e) {
    return PyErr_Format(PyExc_RuntimeError, "allocate_for: %s", e.what());
  }
  return exhausted(pool, "allocate_for", 1);
}

PyObject* slot_pool_free_after(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  SlotPool& pool = as_pool(self);
  Handle handle = 0;
  Stream stream = 0;
  if (count != 2) {
    return PyErr_Format(PyExc_TypeError, "free_after(handle, stream) takes 2 arguments, got %zd",
                        count);
  }
  if (!parse_handle(arguments[0], handle) || !parse_stream(pool, arguments[1], stream)) {
    return nullptr;
  }
  try {
    SlotStatus status{};
    {
      const pybind11::gil_scoped_release unlocked;
      status = pool.order->release(handle, stream);
    }
    if (status != SlotStatus::kLive) return refuse(pool, "free_after", handle, status);
  } catch (const Error& e) {
    return PyErr_Format(PyExc_RuntimeError, "free_after: %s", e.what());
  }
  Py_RETURN_NONE;
}

}  // namespace klg::bindings
