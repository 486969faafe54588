#include <pybind11/typing.h>

#include "fastcall.hpp"
#include "track_scope.hpp"

namespace py = pybind11;

namespace klg::bindings {
namespace {

// The two arguments by position or by name; false with a Python error set.
bool parse(PyObject* const* arguments, Py_ssize_t count, PyObject* names, PyObject*& id,
           PyObject*& info) noexcept {
  static const char* const expected[] = {"allocation_id", "allocation_info"};
  PyObject** const targets[] = {&id, &info};
  const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
  if (count > 2) {
    PyErr_Format(PyExc_TypeError, "track_allocation: expected at most 2 arguments, got %zd",
                 count + named);
    return false;
  }
  for (Py_ssize_t k = 0; k < count; ++k) *targets[k] = arguments[k];
  for (Py_ssize_t k = 0; k < named; ++k) {
    PyObject* name = PyTuple_GET_ITEM(names, k);
    int at = 0;
    while (at < 2 && PyUnicode_CompareWithASCIIString(name, expected[at]) != 0) ++at;
    if (at == 2 || *targets[at] != nullptr) {
      PyErr_Format(PyExc_TypeError, "track_allocation: %s argument '%U'",
                   at == 2 ? "unexpected" : "more than one value for", name);
      return false;
    }
    *targets[at] = arguments[count + k];
  }
  if (id == nullptr) {
    PyErr_SetString(PyExc_TypeError, "track_allocation: missing argument 'allocation_id'");
    return false;
  }
  return true;
}

PyObject* track_allocation(PyObject* self, PyObject* const* arguments, Py_ssize_t count,
                           PyObject* names) noexcept {
  auto* tracker = native<ScopeTracker>(self);
  if (tracker == nullptr) return nullptr;
  PyObject* id = nullptr;
  PyObject* info = nullptr;
  if (!parse(arguments, count, names, id, info)) return nullptr;
  return new_scope(self, *tracker, id, info);
}

PyMethodDef track_method = {
    "track_allocation", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(track_allocation)),
    METH_FASTCALL | METH_KEYWORDS,
    "track_allocation(self, allocation_id: str, allocation_info: typing.Mapping[str, typing.Any] | "
    "None = None) -> typing.ContextManager["
    "kimera_leakguard_native.model.guardian.MemoryAllocation]\n\n"
    "A scope whose entry is visible in every thread from `with` to the end of the block.\n\n"
    "`allocation_info` is read when somebody first looks at the entry."};

// The newest open scope of an id, which may be anything; null where there is none.
TrackScope* find_scope(const ScopeTracker& tracker, const py::object& id) {
  if (!PyUnicode_Check(id.ptr())) return nullptr;
  const auto text = py::reinterpret_steal<py::object>(PyUnicode_FromObject(id.ptr()));
  if (!text) throw py::error_already_set();
  return tracker.find(text.ptr(), PyObject_Hash(text.ptr()));
}

py::object find_open(const ScopeTracker& tracker, const py::object& id) {
  TrackScope* scope = find_scope(tracker, id);
  if (scope == nullptr) return py::none();
  const auto kept = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(scope));
  const auto allocation = py::reinterpret_steal<py::object>(allocation_of(scope));
  if (!allocation) throw py::error_already_set();
  return allocation;
}

bool is_open(const ScopeTracker& tracker, const py::object& id) {
  return find_scope(tracker, id) != nullptr;
}

py::typing::List<py::str> open_ids(const ScopeTracker& tracker) {
  py::typing::List<py::str> out;
  for (const py::object& scope : tracker.scopes(true)) {
    out.append(py::handle(reinterpret_cast<TrackScope*>(scope.ptr())->id));
  }
  return out;
}

// Copied out before any allocation is built: building one runs Python, which may enter and leave.
py::typing::List<py::object> open_allocations(const ScopeTracker& tracker, bool distinct) {
  py::typing::List<py::object> out;
  for (const py::object& scope : tracker.scopes(distinct)) {
    const auto allocation = py::reinterpret_steal<py::object>(
        allocation_of(reinterpret_cast<TrackScope*>(scope.ptr())));
    if (!allocation) throw py::error_already_set();
    out.append(allocation);
  }
  return out;
}

}  // namespace

void bind_scopes(py::module_& parent) {
  py::module_ m = parent.def_submodule("scopes", "Blocks that are tracked while they run.");
  register_track_scope(m);
  py::class_<ScopeTracker> type(m, "ScopeTracker", "The tracked blocks that are open now.");
  type.def(py::init<>())
      .def_readwrite("tracking_enabled", &ScopeTracker::enabled,
                     "Whether scopes are entered into the table at all.")
      .def_property_readonly("open_scope_count", &ScopeTracker::open_count,
                             "Open scopes, equal ids counted each.")
      .def_property_readonly("open_id_count", &ScopeTracker::distinct_count,
                             "Different ids among the open scopes.")
      .def_property_readonly("entered_scope_total", &ScopeTracker::entered_total,
                             "Scopes ever entered.")
      .def("is_open", &is_open, py::arg("allocation_id"), "Whether an id has an open scope.")
      .def("find_open", &find_open, py::arg("allocation_id"),
           "The allocation of the newest open scope of an id, or None.")
      .def("open_ids", &open_ids, "Different ids of the open scopes, oldest first.")
      .def("open_allocations", &open_allocations, py::arg("distinct") = false,
           "The allocation of every open scope, oldest first; with `distinct`, the newest of each "
           "id.");
  add_fast_method(type, track_method);
}

}  // namespace klg::bindings
