#include <cstdio>
#include <cstring>

#include "slot_view.hpp"

namespace klg::bindings {
namespace {

using slots::Handle;
using slots::SlotStatus;

PyTypeObject* view_type = nullptr;

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  const SlotView& view = as_view(self);
  if (view.keeps == SlotView::Keeps::kSlot) as_pool(view.pool).arena->unpin(view.slot);
  if (view.keeps == SlotView::Keeps::kAll) as_pool(view.pool).arena->end_hold();
  Py_XDECREF(view.pool);
  type->tp_free(self);
  Py_DECREF(type);
}

int get_buffer(PyObject* self, Py_buffer* buffer, int flags) {
  SlotView& view = as_view(self);
  const SlotPool& pool = as_pool(view.pool);
  if (pool.device >= 0) {
    PyErr_SetString(PyExc_BufferError,
                    "these rows are device memory: take them by DLPack or by "
                    "__cuda_array_interface__, or copy one to the host with SlotPool.read");
    buffer->obj = nullptr;
    return -1;
  }
  const bool dense = view.ndim == 1 || view.strides[0] == pool.dim * pool.item->size;
  if (!dense && (flags & PyBUF_STRIDES) != PyBUF_STRIDES) {
    PyErr_SetString(PyExc_BufferError, "the rows of this pool are padded: ask for strides");
    buffer->obj = nullptr;
    return -1;
  }
  buffer->obj = Py_NewRef(self);
  buffer->buf = view.data;
  buffer->itemsize = pool.item->size;
  buffer->len = pool.item->size * view.shape[0] * (view.ndim == 2 ? view.shape[1] : 1);
  buffer->readonly = 0;
  buffer->ndim = view.ndim;
  buffer->format = (flags & PyBUF_FORMAT) != 0 ? const_cast<char*>(pool.item->format) : nullptr;
  buffer->shape = (flags & PyBUF_ND) != 0 ? view.shape : nullptr;
  buffer->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? view.strides : nullptr;
  buffer->suboffsets = nullptr;
  buffer->internal = nullptr;
  return 0;
}

PyObject* sizes(const Py_ssize_t* values, int ndim) {
  return ndim == 1 ? Py_BuildValue("(n)", values[0]) : Py_BuildValue("(nn)", values[0], values[1]);
}

PyObject* get_shape(PyObject* self, void*) {
  return sizes(as_view(self).shape, as_view(self).ndim);
}

// Version 3; torch.as_tensor and cupy.asarray keep this object, and so the slots, while they use
// it.
PyObject* get_cuda_array_interface(PyObject* self, void*) {
  const SlotView& view = as_view(self);
  const SlotPool& pool = as_pool(view.pool);
  if (pool.device < 0) {
    PyErr_SetString(PyExc_AttributeError, "__cuda_array_interface__: these rows are host memory");
    return nullptr;
  }
  const char letter = pool.item->format[0];
  const char kind = letter == '?'                            ? 'b'
                    : std::strchr("efd", letter) != nullptr  ? 'f'
                    : std::strchr("bhiq", letter) != nullptr ? 'i'
                                                             : 'u';
  char type[16];
  std::snprintf(type, sizeof type, "%c%c%zd", pool.item->size == 1 ? '|' : '<', kind,
                pool.item->size);
  // 0 is not allowed there: the default stream has the number 1.
  PyObject* stream = view.ordered ? PyLong_FromUnsignedLongLong(view.stream == 0 ? 1 : view.stream)
                                  : Py_NewRef(Py_None);
  return Py_BuildValue("{sNsNsss(KO)sNsi}", "shape", get_shape(self, nullptr), "strides",
                       sizes(view.strides, view.ndim), "typestr", type, "data",
                       static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(view.data)),
                       Py_False, "stream", stream, "version", 3);
}

PyObject* get_dtype(PyObject* self, void*) {
  return PyUnicode_FromString(as_pool(as_view(self).pool).item->name);
}

PyObject* get_device(PyObject* self, void*) {
  return PyObject_GetAttrString(as_view(self).pool, "device");
}

PyObject* repr(PyObject* self) {
  PyObject* shape = get_shape(self, nullptr);
  PyObject* device = get_device(self, nullptr);
  PyObject* text = shape == nullptr || device == nullptr
                       ? nullptr
                       : PyUnicode_FromFormat("<SlotView: %R %s on %U>", shape,
                                              as_pool(as_view(self).pool).item->name, device);
  Py_XDECREF(shape);
  Py_XDECREF(device);
  return text;
}

PyMethodDef methods[] = {
    {"__dlpack__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(slot_view_dlpack)),
     METH_VARARGS | METH_KEYWORDS,
     "__dlpack__(self, *, stream: int | None = None, max_version: tuple[int, int] | None = None, "
     "dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> typing.Any\n\n"
     "Give the rows as a capsule, which keeps them; the consumer's stream waits for that of "
     "`row`."},
    {"__dlpack_device__", slot_view_dlpack_device, METH_NOARGS,
     "__dlpack_device__(self) -> tuple[int, int]\n\nGive DLPack's type and number of the device."},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef getters[] = {
    {"__cuda_array_interface__", get_cuda_array_interface, nullptr,
     "Where the rows are on the device; AttributeError for host memory.", nullptr},
    {"shape", get_shape, nullptr, "Items by dimension: (dim,) of a row, (rows, dim) of a view.",
     nullptr},
    {"dtype", get_dtype, nullptr, "Type of an item, by numpy's name.", nullptr},
    {"device", get_device, nullptr, "Where the rows are: 'cpu' or 'cuda:N'.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyType_Slot type_slots[] = {{Py_tp_getset, getters},
                            {Py_tp_methods, methods},
                            {Py_tp_repr, reinterpret_cast<void*>(&repr)},
                            {Py_tp_dealloc, reinterpret_cast<void*>(&dealloc)},
                            {Py_bf_getbuffer, reinterpret_cast<void*>(&get_buffer)},
                            {Py_tp_doc, const_cast<char*>("Memory under an array of a SlotPool.")},
                            {0, nullptr}};

PyType_Spec spec = {"kimera_leakguard_native._core.slots.SlotView", sizeof(SlotView), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, type_slots};

SlotView* make_view(PyObject* pool, PyObject* stream) {
  const bool ordered = stream != Py_None;
  slots::Stream number = 0;
  if (ordered && !parse_stream(as_pool(pool), stream, number)) return nullptr;
  auto* view = reinterpret_cast<SlotView*>(view_type->tp_alloc(view_type, 0));
  if (view == nullptr) return nullptr;
  view->pool = Py_NewRef(pool);
  view->ordered = ordered;
  view->stream = number;
  return view;
}

PyObject* as_array(SlotView* view) {
  // No array of numpy's can stand on device memory: the view itself is what torch and CuPy take.
  if (as_pool(view->pool).device >= 0) return reinterpret_cast<PyObject*>(view);
  PyObject* array = call_numpy("asarray", "(O)", view);
  Py_DECREF(view);
  return array;
}

}  // namespace

PyObject* slot_pool_row(PyObject* self, PyObject* args, PyObject* kwargs) {
  SlotPool& pool = as_pool(self);
  PyObject* object = nullptr;
  PyObject* stream = Py_None;
  static const char* keywords[] = {"handle", "stream", nullptr};
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "O|$O:row", const_cast<char**>(keywords), &object,
                                  &stream) == 0) {
    return nullptr;
  }
  Handle handle = 0;
  if (!parse_handle(object, handle)) return nullptr;
  SlotView* view = make_view(self, stream);
  if (view == nullptr) return nullptr;
  const SlotStatus status = pool.arena->pin(handle);
  if (status != SlotStatus::kLive) {
    Py_DECREF(view);
    return refuse(pool, "row", handle, status);
  }
  view->keeps = SlotView::Keeps::kSlot;
  view->slot = pool.arena->index(handle);
  view->data = reinterpret_cast<char*>(pool.arena->row(view->slot));
  view->ndim = 1;
  view->shape[0] = pool.dim;
  view->strides[0] = pool.item->size;
  return as_array(view);
}

PyObject* slot_pool_view(PyObject* self, PyObject* args, PyObject* kwargs) {
  SlotPool& pool = as_pool(self);
  PyObject* stream = Py_None;
  static const char* keywords[] = {"stream", nullptr};
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "|$O:view", const_cast<char**>(keywords),
                                  &stream) == 0) {
    return nullptr;
  }
  SlotView* view = make_view(self, stream);
  if (view == nullptr) return nullptr;
  pool.arena->hold();
  view->keeps = SlotView::Keeps::kAll;
  view->data = reinterpret_cast<char*>(pool.arena->row(0));
  view->ndim = 2;
  view->shape[0] = pool.arena->committed_rows();
  view->shape[1] = pool.dim;
  view->strides[0] = static_cast<Py_ssize_t>(pool.arena->stride());
  view->strides[1] = pool.item->size;
  return as_array(view);
}

PyObject* make_slot_view_type() {
  PyObject* type = PyType_FromSpec(&spec);
  view_type = reinterpret_cast<PyTypeObject*>(Py_XNewRef(type));
  return type;
}

}  // namespace klg::bindings
