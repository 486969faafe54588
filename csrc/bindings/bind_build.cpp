#include <pybind11/stl.h>

#include "bindings.hpp"
#include "klg/core/cpu_features.hpp"

namespace py = pybind11;

namespace klg::bindings {
namespace {

const char* sanitizer() {
#if defined(__SANITIZE_ADDRESS__)
  return "address";
#elif defined(__SANITIZE_THREAD__)
  return "thread";
#else
  return "";
#endif
}

}  // namespace

void bind_build(py::module_& parent) {
  py::module_ m = parent.def_submodule("build", "How this module was built and what it runs on.");
  // Functions, not constants: the stubs would carry the values of the machine that wrote them.
  m.def("compiler", [] { return __VERSION__; }, "Version of the compiler.");
  m.def("python", [] { return PY_VERSION; }, "Version of Python that this was built for.");
  m.def("sanitizer", &sanitizer, "The sanitizer this was built with, or ''.");
  m.def("cpu_features", &cpu_features,
        "Instruction sets of this processor that our kernels can use.");
}

}  // namespace klg::bindings
