#include "bindings.hpp"
#include "klg/core/error.hpp"

namespace py = pybind11;

namespace klg::bindings {
namespace {

// The Python classes live in errors.py, where the rest of the tree is; they are looked up when an
// error is raised, because importing the package imports this module first.
void raise_as(const char* name, const char* text) {
  py::object errors = py::module_::import("kimera_leakguard_native.errors");
  PyErr_SetString(errors.attr(name).ptr(), text);
}

}  // namespace

void register_exceptions(py::module_&) {
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const CudaUnavailable& e) {
      raise_as("CudaUnavailable", e.what());
    } catch (const StaleHandle& e) {
      raise_as("StaleHandle", e.what());
    } catch (const OutOfMemory& e) {
      raise_as("SlotExhausted", e.what());
    } catch (const Error& e) {
      raise_as("LeakGuardError", e.what());
    }
  });
}

}  // namespace klg::bindings
