#include <cstdio>
#include <cstring>

#include "slot_pool.hpp"

namespace klg::bindings {
namespace {

using slots::Handle;
using slots::SlotStatus;

/// What the arrays of `row` and `view` stand on: keeps the pool alive and its slots as they are,
/// the one of a row by a pin and those of a view by a hold.
struct SlotView {
  PyObject_HEAD PyObject* pool;
  char* data;
  Py_ssize_t shape[2];
  Py_ssize_t strides[2];
  int ndim;
  enum class Keeps : unsigned char { kNothing, kSlot, kAll } keeps;
  std::uint32_t slot;
};

SlotView& as_view(PyObject* self) { return *reinterpret_cast<SlotView*>(self); }

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
                    "these rows are device memory: take them by __cuda_array_interface__");
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
  PyObject* shape = view.ndim == 1 ? Py_BuildValue("(n)", view.shape[0])
                                   : Py_BuildValue("(nn)", view.shape[0], view.shape[1]);
  PyObject* strides = view.ndim == 1 ? Py_BuildValue("(n)", view.strides[0])
                                     : Py_BuildValue("(nn)", view.strides[0], view.strides[1]);
  return Py_BuildValue("{sNsNsss(KO)sOsi}", "shape", shape, "strides", strides, "typestr", type,
                       "data",
                       static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(view.data)),
                       Py_False, "stream", Py_None, "version", 3);
}

PyGetSetDef getters[] = {
    {"__cuda_array_interface__", get_cuda_array_interface, nullptr,
     "Where the rows are on the device; AttributeError for host memory.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyType_Slot type_slots[] = {{Py_tp_getset, getters},
                            {Py_tp_dealloc, reinterpret_cast<void*>(&dealloc)},
                            {Py_bf_getbuffer, reinterpret_cast<void*>(&get_buffer)},
                            {Py_tp_doc, const_cast<char*>("Memory under an array of a SlotPool.")},
                            {0, nullptr}};

PyType_Spec spec = {"kimera_leakguard_native._core.slots.SlotView", sizeof(SlotView), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, type_slots};

SlotView* make_view(PyObject* pool) {
  auto* view = reinterpret_cast<SlotView*>(view_type->tp_alloc(view_type, 0));
  if (view != nullptr) view->pool = Py_NewRef(pool);
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

PyObject* slot_pool_row(PyObject* self, PyObject* object) {
  SlotPool& pool = as_pool(self);
  Handle handle = 0;
  if (!parse_handle(object, handle)) return nullptr;
  SlotView* view = make_view(self);
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

PyObject* slot_pool_view(PyObject* self, PyObject*) {
  SlotPool& pool = as_pool(self);
  SlotView* view = make_view(self);
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
  view_type = reinterpret_cast<PyTypeObject*>(type);
  return type;
}

}  // namespace klg::bindings
