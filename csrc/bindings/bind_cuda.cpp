#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "array_view.hpp"
#include "bindings.hpp"
#include "klg/cuda/canonical_dot.hpp"
#include "klg/cuda/device.hpp"
#include "klg/cuda/pair_search.hpp"
#include "similarity_arguments.hpp"

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

std::pair<PairArrays, bool> find_pairs(const cuda::DeviceMatrix& left,
                                       const std::optional<cuda::DeviceMatrix>& right,
                                       const cuda::PairSettings& settings) {
  cuda::FoundPairs found;
  {
    const py::gil_scoped_release unlocked;
    found = cuda::find_pairs(left, right ? &*right : nullptr, settings, check_signals);
  }
  const auto size = static_cast<py::ssize_t>(found.i.size());
  return {{py::array_t<std::int64_t>(size, found.i.data()),
           py::array_t<std::int64_t>(size, found.j.data()),
           py::array_t<double>(size, found.score.data())},
          found.complete};
}

cuda::DeviceMatrix host_matrix(const ArrayView<float>& view, const char* name) {
  return {view.data(), view.size(0), view.size(1), view.size(1), false, nullptr, name};
}

std::optional<ArrayView<bool>> mask_of(const std::optional<py::buffer>& mask,
                                       cuda::DeviceMatrix& matrix) {
  if (!mask) return std::nullopt;
  std::optional<ArrayView<bool>> view;
  view.emplace(*mask, "mask", 1);
  if (view->size(0) != matrix.rows) {
    throw py::value_error("mask: expected one entry for each of the " +
                          std::to_string(matrix.rows) + " rows, got " +
                          std::to_string(view->size(0)));
  }
  matrix.mask = view->data();
  return view;
}

std::pair<PairArrays, bool> pairs_of_host_rows(const py::buffer& x, double threshold, bool below,
                                               const std::optional<py::buffer>& mask,
                                               std::optional<std::size_t> max_pairs) {
  const ArrayView<float> view(x, "x", 2);
  cuda::DeviceMatrix matrix = host_matrix(view, "x");
  const auto mask_view = mask_of(mask, matrix);
  return find_pairs(matrix, std::nullopt,
                    {threshold, below, max_pairs.value_or(static_cast<std::size_t>(-1)), nullptr});
}

std::pair<PairArrays, bool> cross_pairs_of_host_rows(const py::buffer& queries, const py::buffer& x,
                                                     double threshold, bool below,
                                                     const std::optional<py::buffer>& mask,
                                                     std::optional<std::size_t> max_pairs) {
  const ArrayView<float> left(queries, "queries", 2);
  const ArrayView<float> right(x, "x", 2);
  if (left.size(1) != right.size(1)) {
    throw py::value_error("queries: rows of " + std::to_string(left.size(1)) +
                          " entries cannot be compared with rows of " +
                          std::to_string(right.size(1)));
  }
  cuda::DeviceMatrix base = host_matrix(right, "x");
  const auto mask_view = mask_of(mask, base);
  return find_pairs(host_matrix(left, "queries"), base,
                    {threshold, below, max_pairs.value_or(static_cast<std::size_t>(-1)), nullptr});
}

std::pair<PairArrays, bool> pairs_of_device_rows(
    std::uintptr_t pointer, std::tuple<std::size_t, std::size_t, std::size_t> shape,
    std::uintptr_t stream, double threshold, bool below, const std::optional<py::buffer>& mask,
    std::optional<std::size_t> max_pairs) {
  const auto [rows, columns, stride] = shape;
  // The numbers that the array interface gives are addresses.
  cuda::DeviceMatrix matrix{
      reinterpret_cast<const float*>(pointer), rows, columns, stride, true, nullptr, "x"};
  const auto mask_view = mask_of(mask, matrix);
  return find_pairs(matrix, std::nullopt,
                    {threshold, below, max_pairs.value_or(static_cast<std::size_t>(-1)),
                     reinterpret_cast<void*>(stream)});
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
  m.def("pairs_of_host_rows", &pairs_of_host_rows, py::arg("x"), py::arg("threshold"),
        py::arg("below") = true, py::arg("mask") = py::none(), py::arg("max_pairs") = py::none(),
        "Arrays (i, j, score) of the pairs beyond a threshold, on the device; whether complete.");
  m.def("cross_pairs_of_host_rows", &cross_pairs_of_host_rows, py::arg("queries"), py::arg("x"),
        py::arg("threshold"), py::arg("below") = true, py::arg("mask") = py::none(),
        py::arg("max_pairs") = py::none(), "As above, pairs of a row of queries and a row of x.");
  m.def("pairs_of_device_rows", &pairs_of_device_rows, py::arg("pointer"), py::arg("shape"),
        py::arg("stream"), py::arg("threshold"), py::arg("below") = true,
        py::arg("mask") = py::none(), py::arg("max_pairs") = py::none(),
        "As above, of rows that lie on the device: (rows, columns, entries from row to row).");
}

}  // namespace klg::bindings
