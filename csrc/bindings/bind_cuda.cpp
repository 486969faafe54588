#include <pybind11/typing.h>

#include <vector>

#include "array_view.hpp"
#include "bindings.hpp"
#include "klg/cuda/canonical_dot.hpp"
#include "klg/cuda/device.hpp"

namespace py = pybind11;

namespace klg::bindings {
namespace {

py::typing::List<double> canonical_dots(const py::buffer& rows, const py::buffer& pairs) {
  const ArrayView<float> matrix(rows, "rows", 2);
  const ArrayView<std::int64_t> index(pairs, "pairs", 2);
  if (index.size(1) != 2) throw py::value_error("pairs: expected shape (m, 2)");
  std::vector<cuda::RowPair> row_pairs(index.size(0));
  const auto n = static_cast<std::int64_t>(matrix.size(0));
  for (std::size_t k = 0; k < row_pairs.size(); ++k) {
    row_pairs[k] = {index.data()[2 * k], index.data()[2 * k + 1]};
    const auto [i, j] = row_pairs[k];
    if (i < 0 || j < 0 || i >= n || j >= n) {
      throw py::index_error("pairs[" + std::to_string(k) + "] names a row outside 0.." +
                            std::to_string(n - 1));
    }
  }
  std::vector<double> out(row_pairs.size());
  {
    py::gil_scoped_release unlocked;
    cuda::canonical_dots(matrix.data(), matrix.size(0), matrix.size(1), row_pairs.data(),
                         row_pairs.size(), out.data());
  }
  py::typing::List<double> result;
  for (const double value : out) result.append(value);
  return result;
}

}  // namespace

void bind_cuda(py::module_& parent) {
  py::module_ m = parent.def_submodule("cuda", "The CUDA part; every name exists in every build.");
  m.def("built", &cuda::built, "Whether this build has the CUDA part.");
  m.def("device_count", &cuda::device_count, "Usable CUDA devices; 0 without a driver.");
  m.def("driver_version", &cuda::driver_version, "1000·major + 10·minor; 0 without a driver.");
  m.def("runtime_version", &cuda::runtime_version, "1000·major + 10·minor; 0 in a CPU-only build.");
  m.def("unavailable_reason", &cuda::unavailable_reason, "Why no device can be used, or ''.");
  m.def("canonical_dots", &canonical_dots, py::arg("rows"), py::arg("pairs"),
        "Canonical dot products of row pairs (m, 2) of a float32 matrix, on the device.");
}

}  // namespace klg::bindings
