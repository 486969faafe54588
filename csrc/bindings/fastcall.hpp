#pragma once

#include "bindings.hpp"

namespace klg::bindings {

/// Adds a METH_FASTCALL method to a bound class: a call through pybind11's dispatcher costs more
/// than recording an allocation does.
///
/// `definition` must outlive the module. Its docstring starts with the signature, for the stubs.
inline void add_fast_method(pybind11::handle type, PyMethodDef& definition) {
  auto* raw = reinterpret_cast<PyTypeObject*>(type.ptr());
  pybind11::object method =
      pybind11::reinterpret_steal<pybind11::object>(PyDescr_NewMethod(raw, &definition));
  if (!method) throw pybind11::error_already_set();
  type.attr(definition.ml_name) = method;
}

/// The C++ object of a bound instance; null, with a Python error set, where a subclass has not
/// called `__init__`. The method descriptor has checked the type of `self` already.
template <class T>
T* native(PyObject* self) noexcept {
  auto* instance = reinterpret_cast<pybind11::detail::instance*>(self);
  T* value = static_cast<T*>(instance->get_value_and_holder().value_ptr());
  if (value == nullptr) {
    PyErr_Format(PyExc_TypeError, "%s.__init__() must be called first", Py_TYPE(self)->tp_name);
  }
  return value;
}

}  // namespace klg::bindings
