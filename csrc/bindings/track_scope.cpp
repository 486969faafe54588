#include "track_scope.hpp"

#include <pybind11/typing.h>
#include <structmember.h>

#include <cstddef>

#include "klg/core/clock.hpp"

namespace py = pybind11;

namespace klg::bindings {
namespace {

using AllocationBuilder = py::typing::Callable<py::object(py::str, py::object, py::float_)>;

PyTypeObject* scope_type = nullptr;
PyObject* allocation_class = nullptr;  // what a scope claims to be an instance of
PyObject* build_allocation = nullptr;  // (id, info, timestamp) -> allocation_class

TrackScope* as_scope(PyObject* self) noexcept { return reinterpret_cast<TrackScope*>(self); }

PyObject* enter(PyObject* self, PyObject*) noexcept {
  TrackScope* scope = as_scope(self);
  if (scope->depth++ == 0 && scope->tracker != nullptr && scope->tracker->enabled) {
    Py_CLEAR(scope->allocation);  // entered before: that was another moment
    scope->entered_ns = wall_ns();
    try {
      scope->tracker->insert(scope);
    } catch (const std::bad_alloc&) {
      --scope->depth;
      return PyErr_NoMemory();
    }
  }
  Py_INCREF(self);
  return self;
}

void leave_table(TrackScope* scope) noexcept {
  if (scope->previous != nullptr) scope->tracker->erase(scope);
}

// Arguments are ignored: whatever the block raised goes on.
PyObject* leave(PyObject* self, PyObject* const*, Py_ssize_t) noexcept {
  TrackScope* scope = as_scope(self);
  if (scope->depth > 0 && --scope->depth == 0) leave_table(scope);
  Py_RETURN_NONE;
}

// What `with` calls: see ScopeMethod.
PyObject* enter_or_leave(PyObject* self, PyObject* const* arguments, std::size_t flagged,
                         PyObject* names) noexcept {
  const Py_ssize_t count = PyVectorcall_NARGS(flagged);
  if (names == nullptr || PyTuple_GET_SIZE(names) == 0) {
    if (count == 0) return enter(self, nullptr);
    if (count == 3) return leave(self, arguments, count);
  }
  PyErr_Format(PyExc_TypeError, "a scope is entered without arguments and left with three, got %zd",
               count);
  return nullptr;
}

// `__enter__` and `__exit__` of a scope: bound, each is the scope itself. `with` binds both, and
// two bound methods would cost a third of the whole block; what it calls tells them apart by the
// number of its arguments. Of the type they are plain method descriptors, as contextlib expects.
struct ScopeMethod {
  PyObject_HEAD PyObject* function;
};

PyObject* bind(PyObject* self, PyObject* scope, PyObject*) noexcept {
  return Py_NewRef(scope != nullptr ? scope : reinterpret_cast<ScopeMethod*>(self)->function);
}

void dealloc_method(PyObject* self) noexcept {
  PyTypeObject* type = Py_TYPE(self);
  Py_XDECREF(reinterpret_cast<ScopeMethod*>(self)->function);
  type->tp_free(self);
  Py_DECREF(type);
}

int traverse(PyObject* self, visitproc visit, void* arg) noexcept {
  const TrackScope* scope = as_scope(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(scope->owner);
  Py_VISIT(scope->info);
  Py_VISIT(scope->allocation);
  return 0;
}

int clear(PyObject* self) noexcept {
  TrackScope* scope = as_scope(self);
  leave_table(scope);
  scope->tracker = nullptr;
  Py_CLEAR(scope->owner);
  Py_CLEAR(scope->info);
  Py_CLEAR(scope->allocation);
  return 0;
}

void dealloc(PyObject* self) noexcept {
  TrackScope* scope = as_scope(self);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  leave_table(scope);
  Py_XDECREF(scope->allocation);
  Py_XDECREF(scope->info);
  Py_DECREF(scope->id);
  Py_XDECREF(scope->owner);
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

// Everything but the context manager's own methods is the allocation's.
PyObject* get_attribute(PyObject* self, PyObject* name) noexcept {
  PyObject* own = PyObject_GenericGetAttr(self, name);
  if (own != nullptr || !PyErr_ExceptionMatches(PyExc_AttributeError)) return own;
  PyErr_Clear();
  PyObject* allocation = allocation_of(as_scope(self));
  if (allocation == nullptr) return nullptr;
  PyObject* value = PyObject_GetAttr(allocation, name);
  Py_DECREF(allocation);
  return value;
}

int set_attribute(PyObject* self, PyObject* name, PyObject* value) noexcept {
  PyObject* allocation = allocation_of(as_scope(self));
  if (allocation == nullptr) return -1;
  const int result = value == nullptr ? PyObject_DelAttr(allocation, name)
                                      : PyObject_SetAttr(allocation, name, value);
  Py_DECREF(allocation);
  return result;
}

PyObject* represent(PyObject* self) noexcept {
  PyObject* allocation = allocation_of(as_scope(self));
  if (allocation == nullptr) return nullptr;
  PyObject* text = PyObject_Repr(allocation);
  Py_DECREF(allocation);
  return text;
}

PyObject* compare(PyObject* self, PyObject* other, int operation) noexcept {
  PyObject* left = allocation_of(as_scope(self));
  if (left == nullptr) return nullptr;
  PyObject* right = nullptr;
  if (Py_IS_TYPE(other, scope_type)) {
    right = allocation_of(as_scope(other));
  } else {
    Py_INCREF(other);
    right = other;
  }
  PyObject* result = right == nullptr ? nullptr : PyObject_RichCompare(left, right, operation);
  Py_DECREF(left);
  Py_XDECREF(right);
  return result;
}

// Copies and pickles are the plain dataclass: a copy of a scope must not be a second scope.
PyObject* reduce_ex(PyObject* self, PyObject* protocol) noexcept {
  PyObject* allocation = allocation_of(as_scope(self));
  if (allocation == nullptr) return nullptr;
  PyObject* reduced = PyObject_CallMethod(allocation, "__reduce_ex__", "O", protocol);
  Py_DECREF(allocation);
  return reduced;
}

PyObject* get_class(PyObject* self, void*) noexcept {
  PyObject* result =
      allocation_class != nullptr ? allocation_class : reinterpret_cast<PyObject*>(Py_TYPE(self));
  Py_INCREF(result);
  return result;
}

PyObject* get_allocation(PyObject* self, void*) noexcept { return allocation_of(as_scope(self)); }

PyMethodDef scope_methods[] = {
    {"__enter__", enter, METH_NOARGS, "__enter__(self, /) -> TrackScope\n\nOpen the scope."},
    {"__exit__", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(leave)), METH_FASTCALL,
     "__exit__(self, *exception: object) -> None\n\nClose the scope; hides no exception."}};

PyMethodDef methods[] = {
    {"__reduce_ex__", reduce_ex, METH_O,
     "__reduce_ex__(self, protocol: int, /) -> tuple\n\nReduce to the allocation."},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef properties[] = {
    {"__class__", get_class, nullptr, nullptr, nullptr},
    {"allocation", get_allocation, nullptr, "The MemoryAllocation of this scope.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(TrackScope, call), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

template <class Function>
void* slot(Function* function) noexcept {
  return reinterpret_cast<void*>(function);
}

void add_scope_methods() {
  PyType_Slot slots[] = {
      {Py_tp_descr_get, slot(bind)}, {Py_tp_dealloc, slot(dealloc_method)}, {0, nullptr}};
  PyType_Spec spec = {
      "kimera_leakguard_native._core.scopes.ScopeMethod", static_cast<int>(sizeof(ScopeMethod)), 0,
      static_cast<unsigned>(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION), slots};
  const auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
  if (!type) throw py::error_already_set();
  for (PyMethodDef& definition : scope_methods) {
    auto* raw = reinterpret_cast<PyTypeObject*>(type.ptr());
    const auto method = py::reinterpret_steal<py::object>(raw->tp_alloc(raw, 0));
    if (!method) throw py::error_already_set();
    auto* bound = reinterpret_cast<ScopeMethod*>(method.ptr());
    bound->function = PyDescr_NewMethod(scope_type, &definition);
    if (bound->function == nullptr) throw py::error_already_set();
    py::handle(reinterpret_cast<PyObject*>(scope_type)).attr(definition.ml_name) = method;
  }
}

}  // namespace

void register_track_scope(py::module_& m) {
  static const char doc[] =
      "A tracked block: a context manager, and inside the block its MemoryAllocation.\n\n"
      "Made by `ScopeTracker.track_allocation`. May be entered again, also while it is open, and\n"
      "left on another thread than it was entered on.";
  PyType_Slot slots[] = {{Py_tp_doc, const_cast<char*>(doc)},
                         {Py_tp_methods, methods},
                         {Py_tp_members, members},
                         {Py_tp_call, slot(PyVectorcall_Call)},
                         {Py_tp_getset, properties},
                         {Py_tp_traverse, slot(traverse)},
                         {Py_tp_clear, slot(clear)},
                         {Py_tp_dealloc, slot(dealloc)},
                         {Py_tp_getattro, slot(get_attribute)},
                         {Py_tp_setattro, slot(set_attribute)},
                         {Py_tp_repr, slot(represent)},
                         {Py_tp_richcompare, slot(compare)},
                         {Py_tp_hash, slot(PyObject_HashNotImplemented)},
                         {0, nullptr}};
  PyType_Spec spec = {
      "kimera_leakguard_native._core.scopes.TrackScope", static_cast<int>(sizeof(TrackScope)), 0,
      static_cast<unsigned>(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                            Py_TPFLAGS_DISALLOW_INSTANTIATION),
      slots};
  PyObject* type = PyType_FromSpec(&spec);
  if (type == nullptr) throw py::error_already_set();
  scope_type = reinterpret_cast<PyTypeObject*>(type);
  add_scope_methods();
  m.def(
      "set_allocation_class",
      [](const py::type& cls, const AllocationBuilder& build) {
        // Read by dataclasses.asdict and fields, which look at the type and not at __class__.
        py::handle(reinterpret_cast<PyObject*>(scope_type)).attr("__dataclass_fields__") =
            cls.attr("__dataclass_fields__");
        Py_XDECREF(allocation_class);
        Py_XDECREF(build_allocation);
        allocation_class = cls.inc_ref().ptr();
        build_allocation = build.inc_ref().ptr();
      },
      py::arg("cls"), py::arg("build"),
      "Say what a scope stands for, and how (id, info, timestamp) becomes one.");
}

PyObject* new_scope(PyObject* owner, ScopeTracker& tracker, PyObject* id, PyObject* info) noexcept {
  if (!PyUnicode_Check(id)) {
    PyErr_Format(PyExc_TypeError, "allocation_id: expected str, got %.100s", Py_TYPE(id)->tp_name);
    return nullptr;
  }
  if (info == Py_None) info = nullptr;
  if (info != nullptr && !PyDict_Check(info) && !PyObject_HasAttrString(info, "get")) {
    PyErr_Format(PyExc_TypeError, "allocation_info: expected a mapping, got %.100s",
                 Py_TYPE(info)->tp_name);
    return nullptr;
  }
  // A subclass of str may have its own hash and equality; its plain text has not.
  PyObject* text = PyUnicode_CheckExact(id) ? Py_NewRef(id) : PyUnicode_FromObject(id);
  // Most ids have been hashed before, and keep their hash.
  Py_hash_t hash = text == nullptr ? -1 : reinterpret_cast<PyASCIIObject*>(text)->hash;
  if (text != nullptr && hash == -1) hash = PyObject_Hash(text);
  TrackScope* scope = hash == -1 ? nullptr : PyObject_GC_New(TrackScope, scope_type);
  if (scope == nullptr) {
    Py_XDECREF(text);
    return nullptr;
  }
  Py_INCREF(owner);
  Py_XINCREF(info);
  scope->call = enter_or_leave;
  scope->owner = owner;
  scope->tracker = &tracker;
  scope->id = text;
  scope->info = info;
  scope->allocation = nullptr;
  scope->entered_ns = 0;
  scope->hash = hash;
  scope->depth = 0;
  scope->previous = nullptr;
  PyObject_GC_Track(reinterpret_cast<PyObject*>(scope));
  return reinterpret_cast<PyObject*>(scope);
}

PyObject* allocation_of(TrackScope* scope) noexcept {
  if (scope->allocation == nullptr) {
    if (build_allocation == nullptr) {
      PyErr_SetString(PyExc_RuntimeError, "no allocation class is set");
      return nullptr;
    }
    const std::int64_t born = scope->entered_ns != 0 ? scope->entered_ns : wall_ns();
    PyObject* built = PyObject_CallFunction(build_allocation, "OOd", scope->id,
                                            scope->info != nullptr ? scope->info : Py_None,
                                            static_cast<double>(born) * 1e-9);
    if (built == nullptr) return nullptr;
    if (scope->allocation == nullptr) {
      scope->allocation = built;
    } else {
      Py_DECREF(built);  // another thread was faster while Python ran
    }
  }
  return Py_NewRef(scope->allocation);
}

}  // namespace klg::bindings
