#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <optional>
#include <tuple>
#include <utility>
#include <variant>
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

/// Address, rows, columns, entries from row to row, and the stream on which they are ready.
using DeviceRows =
    std::tuple<std::uintptr_t, std::size_t, std::size_t, std::size_t, std::uintptr_t>;

cuda::DeviceMatrix device_matrix(const DeviceRows& there, const char* name) {
  const auto [pointer, rows, columns, stride, stream] = there;
  // The numbers that array interfaces give are addresses.
  return {reinterpret_cast<const float*>(pointer), rows, columns, stride, true, nullptr, name,
          reinterpret_cast<void*>(stream)};
}

/// Rows of the host or of the device, and which of them count.
class Operand {
 public:
  Operand(const std::variant<py::buffer, DeviceRows>& x, const std::optional<py::buffer>& mask,
          const char* name) {
    if (const auto* buffer = std::get_if<py::buffer>(&x)) {
      view_.emplace(*buffer, name, 2);
      matrix_ = {view_->data(), view_->size(0), view_->size(1), view_->size(1),
                 false,         nullptr,        name,           nullptr};
    } else {
      matrix_ = device_matrix(std::get<DeviceRows>(x), name);
    }
    if (!mask) return;
    open_mask(mask_, *mask, matrix_.rows);
    matrix_.mask = mask_->data();
  }

  [[nodiscard]] const cuda::DeviceMatrix& matrix() const noexcept { return matrix_; }

 private:
  std::optional<ArrayView<float>> view_;
  std::optional<ArrayView<bool>> mask_;
  cuda::DeviceMatrix matrix_{};
};

std::pair<PairArrays, bool> find_pairs(
    const std::variant<py::buffer, DeviceRows>& x, double threshold, bool below,
    const std::optional<py::buffer>& mask, std::optional<std::size_t> max_pairs,
    const std::optional<std::variant<py::buffer, DeviceRows>>& queries) {
  const Operand base(x, mask, "x");
  std::optional<Operand> asking;
  if (queries) {
    asking.emplace(*queries, std::nullopt, "queries");
    if (asking->matrix().columns != base.matrix().columns) {
      throw py::value_error("queries: rows of " + std::to_string(asking->matrix().columns) +
                            " entries cannot be compared with rows of " +
                            std::to_string(base.matrix().columns));
    }
  }
  const cuda::PairSettings settings{threshold, below,
                                    max_pairs.value_or(static_cast<std::size_t>(-1))};
  cuda::FoundPairs found;
  {
    const py::gil_scoped_release unlocked;
    found = asking ? cuda::find_pairs(asking->matrix(), &base.matrix(), settings, check_signals)
                   : cuda::find_pairs(base.matrix(), nullptr, settings, check_signals);
  }
  const auto size = static_cast<py::ssize_t>(found.i.size());
  return {{py::array_t<std::int64_t>(size, found.i.data()),
           py::array_t<std::int64_t>(size, found.j.data()),
           py::array_t<double>(size, found.score.data())},
          found.complete};
}

py::array_t<float> copy_to_host(const DeviceRows& there) {
  const cuda::DeviceMatrix matrix = device_matrix(there, "x");
  py::array_t<float> result(
      {static_cast<py::ssize_t>(matrix.rows), static_cast<py::ssize_t>(matrix.columns)});
  float* data = result.mutable_data();
  const py::gil_scoped_release unlocked;
  cuda::copy_to_host(matrix, data);
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
  m.def("find_pairs", &find_pairs, py::arg("x"), py::arg("threshold"), py::arg("below") = true,
        py::arg("mask") = py::none(), py::arg("max_pairs") = py::none(),
        py::arg("queries") = py::none(),
        "Arrays (i, j, score) of the pairs beyond a threshold, found on the device, and whether "
        "complete. Rows lie in a buffer, or on the device: (address, rows, columns, entries from "
        "row to row, stream).");
  m.def("copy_to_host", &copy_to_host, py::arg("x"), "Rows that lie on the device, copied.");
  bind_dlpack(m);
}

}  // namespace klg::bindings
