// Rows as DLPack capsules.
#include <new>

#include "dlpack.hpp"
#include "klg/core/error.hpp"
#include "slot_view.hpp"

namespace klg::bindings {
namespace {

using slots::Stream;

constexpr long long kNoOrder = -1;
constexpr long long kLegacyDefault = 1;

dlpack::Device device_of(const SlotPool& pool) {
  if (pool.device < 0) return {dlpack::kCpu, 0};
  return {dlpack::kCuda, pool.device};
}

template <class Managed>
struct Export {
  Managed managed;
  std::int64_t shape[2];
  std::int64_t strides[2];
};

// May come from any thread, and after the interpreter's end.
template <class Managed>
void delete_export(Managed* managed) {
  auto* owned = reinterpret_cast<Export<Managed>*>(managed);
  if (Py_IsInitialized() != 0) {
    const PyGILState_STATE state = PyGILState_Ensure();
    Py_DECREF(static_cast<PyObject*>(managed->context));
    PyGILState_Release(state);
  }
  delete owned;
}

// A consumer renames the capsule that it has taken.
template <class Managed>
void drop_capsule(PyObject* capsule) {
  if (PyCapsule_IsValid(capsule, Managed::kCapsule) == 0) return;
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule, Managed::kCapsule));
  managed->deleter(managed);
}

template <class Managed>
PyObject* export_as(PyObject* self) {
  const SlotView& view = as_view(self);
  const SlotPool& pool = as_pool(view.pool);
  auto* made = new (std::nothrow) Export<Managed>{};
  if (made == nullptr) return PyErr_NoMemory();
  for (int k = 0; k < view.ndim; ++k) {
    made->shape[k] = view.shape[k];
    made->strides[k] = view.strides[k] / pool.item->size;
  }
  dlpack::Tensor& tensor = made->managed.tensor;
  tensor.data = view.data;
  tensor.device = device_of(pool);
  tensor.ndim = view.ndim;
  tensor.dtype = {pool.item->code, static_cast<std::uint8_t>(8 * pool.item->size), 1};
  tensor.shape = made->shape;
  tensor.strides = made->strides;
  made->managed.context = self;
  made->managed.deleter = &delete_export<Managed>;
  if constexpr (std::is_same_v<Managed, dlpack::VersionedTensor>) made->managed.major = 1;
  PyObject* capsule = PyCapsule_New(&made->managed, Managed::kCapsule, &drop_capsule<Managed>);
  if (capsule == nullptr) {
    delete made;
    return nullptr;
  }
  Py_INCREF(self);
  return capsule;
}

// Has the consumer's stream wait for the one that the rows were last worked on. False with an error
// set.
bool follow(const SlotView& view, PyObject* consumer) {
  const SlotPool& pool = as_pool(view.pool);
  if (pool.device < 0) {
    if (consumer == Py_None) return true;
    PyErr_SetString(PyExc_ValueError, "__dlpack__: stream: host memory has no streams");
    return false;
  }
  long long number = kLegacyDefault;
  if (consumer != Py_None) {
    number = PyLong_AsLongLong(consumer);
    if (number == -1 && PyErr_Occurred() != nullptr) return false;
  }
  if (number == 0 || number < kNoOrder) {
    PyErr_Format(PyExc_ValueError,
                 "__dlpack__: stream: expected -1, 1, 2 or the number of a stream, got %lld",
                 number);
    return false;
  }
  if (number == kNoOrder || !view.ordered) return true;
  const auto stream = static_cast<Stream>(number);
  if (stream == view.stream || (number == kLegacyDefault && view.stream == 0)) return true;
  try {
    pool.events->follow(stream, view.stream);
  } catch (const Error& e) {
    PyErr_Format(PyExc_BufferError, "__dlpack__: %s", e.what());
    return false;
  }
  return true;
}

bool is_ours(const SlotPool& pool, PyObject* wanted) {
  if (wanted == Py_None) return true;
  int type = 0;
  int id = 0;
  if (PyArg_ParseTuple(wanted, "ii:dl_device", &type, &id) == 0) return false;
  const dlpack::Device device = device_of(pool);
  if (type == device.type && id == device.id) return true;
  PyErr_Format(PyExc_BufferError, "__dlpack__: these rows are on device (%d, %d), not (%d, %d)",
               device.type, device.id, type, id);
  return false;
}

}  // namespace

PyObject* slot_view_dlpack(PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject* stream = Py_None;
  PyObject* max_version = Py_None;
  PyObject* device = Py_None;
  PyObject* copy = Py_None;
  static const char* keywords[] = {"stream", "max_version", "dl_device", "copy", nullptr};
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOO:__dlpack__", const_cast<char**>(keywords),
                                  &stream, &max_version, &device, &copy) == 0) {
    return nullptr;
  }
  int major = 0;
  int minor = 0;
  if (max_version != Py_None &&
      PyArg_ParseTuple(max_version, "ii:max_version", &major, &minor) == 0) {
    return nullptr;
  }
  if (!is_ours(as_pool(as_view(self).pool), device)) return nullptr;
  const int copies = copy == Py_None ? 0 : PyObject_IsTrue(copy);
  if (copies < 0) return nullptr;
  if (copies != 0) {
    PyErr_SetString(PyExc_BufferError, "__dlpack__: the rows of a SlotPool are not copied");
    return nullptr;
  }
  if (!follow(as_view(self), stream)) return nullptr;
  return major >= 1 ? export_as<dlpack::VersionedTensor>(self)
                    : export_as<dlpack::ManagedTensor>(self);
}

PyObject* slot_view_dlpack_device(PyObject* self, PyObject*) {
  const dlpack::Device device = device_of(as_pool(as_view(self).pool));
  return Py_BuildValue("(ii)", device.type, device.id);
}

}  // namespace klg::bindings
