#pragma once

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "array_view.hpp"
#include "klg/similarity/filter_choice.hpp"
#include "klg/similarity/pair_scan.hpp"
#include "vector_rows.hpp"

/// What the bindings of pair search take and give.
namespace klg::bindings {

namespace py = pybind11;

using PairArrays =
    std::tuple<py::array_t<std::int64_t>, py::array_t<std::int64_t>, py::array_t<double>>;

/// Runs pending signal handlers, so that Ctrl-C ends a long call.
inline void check_signals() {
  const py::gil_scoped_acquire locked;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

inline std::optional<similarity::Filter> parse_filter(const std::string& name) {
  if (name == "auto") return std::nullopt;
  using similarity::Filter;
  for (const Filter filter : {Filter::floats, Filter::halves, Filter::codes}) {
    if (name == similarity::filter_name(filter)) return filter;
  }
  throw py::value_error("filter: expected 'auto', 'floats', 'halves' or 'codes', got '" + name +
                        "'");
}

/// Takes hold of which rows count.
inline void open_mask(std::optional<ArrayView<bool>>& view, const py::buffer& mask,
                      std::size_t rows) {
  view.emplace(mask, "mask", 1);
  if (view->size(0) != rows) {
    throw py::value_error("mask: expected one entry for each of the " + std::to_string(rows) +
                          " rows, got " + std::to_string(view->size(0)));
  }
}

/// A matrix from Python and the rows of it that can match; keeps the buffer while it lives.
class Rows {
 public:
  Rows(const py::buffer& x, const std::optional<py::buffer>& mask, const char* name)
      : view_(std::in_place, x, name),
        matrix_{view_->data(), view_->rows(), view_->columns(), view_->stride()},
        name_(name) {
    if (!mask) return;
    open_mask(mask_, *mask, matrix_.rows);
  }
  /// The caller keeps the vectors.
  Rows(const VectorRows& vectors, const std::optional<py::buffer>& mask, const char* name)
      : matrix_(vectors.matrix()), name_(name) {
    if (mask) throw py::value_error(std::string(name) + ": vectors are taken without a mask");
  }

  [[nodiscard]] std::size_t rows() const noexcept { return matrix_.rows; }
  [[nodiscard]] std::size_t columns() const noexcept { return matrix_.columns; }
  [[nodiscard]] const similarity::Matrix& matrix() const noexcept { return matrix_; }
  /// Without the GIL.
  [[nodiscard]] similarity::RowSet select(const similarity::Kernels& kernels,
                                          const similarity::WorkerTeam& team) const {
    return {matrix_, mask_ ? mask_->data() : nullptr, name_, kernels, team};
  }

 private:
  std::optional<RowsView<float>> view_;
  similarity::Matrix matrix_;
  std::optional<ArrayView<bool>> mask_;
  const char* name_;
};

inline PairArrays to_arrays(const std::vector<similarity::Pair>& pairs, std::size_t count) {
  const auto size = static_cast<py::ssize_t>(count);
  py::array_t<std::int64_t> i(size);
  py::array_t<std::int64_t> j(size);
  py::array_t<double> score(size);
  for (std::size_t k = 0; k < count; ++k) {
    i.mutable_data()[k] = pairs[k].i;
    j.mutable_data()[k] = pairs[k].j;
    score.mutable_data()[k] = pairs[k].score;
  }
  return {std::move(i), std::move(j), std::move(score)};
}

}  // namespace klg::bindings
