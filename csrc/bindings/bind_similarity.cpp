#include "array_view.hpp"
#include "bindings.hpp"
#include "klg/similarity/canonical_dot.hpp"

namespace py = pybind11;

namespace klg::bindings {
namespace {

double canonical_dot(const py::buffer& x, const py::buffer& y) {
  const ArrayView<float> a(x, "x", 1);
  const ArrayView<float> b(y, "y", 1);
  if (a.size(0) != b.size(0)) {
    throw py::value_error("x and y: expected equal lengths, got " + std::to_string(a.size(0)) +
                          " and " + std::to_string(b.size(0)));
  }
  return similarity::canonical_dot(a.data(), b.data(), a.size(0));
}

}  // namespace

void bind_similarity(py::module_& parent) {
  py::module_ m = parent.def_submodule("similarity", "Exact similarity of float32 rows.");
  m.def("canonical_dot", &canonical_dot, py::arg("x"), py::arg("y"),
        "The canonical float64 dot product of two float32 vectors (n,).");
}

}  // namespace klg::bindings
