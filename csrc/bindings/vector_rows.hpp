#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/typing.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "klg/similarity/row_set.hpp"

namespace klg::bindings {

/// Float32 vectors of one length as the rows of a matrix, where they lie: stacking two hundred of
/// them takes as long as a third of the search among them. Holds their buffers while it lives.
class VectorRows {
 public:
  VectorRows(const VectorRows&) = delete;
  VectorRows& operator=(const VectorRows&) = delete;
  VectorRows(VectorRows&&) = default;
  VectorRows& operator=(VectorRows&&) = delete;
  ~VectorRows() {
    for (Py_buffer& buffer : buffers_) PyBuffer_Release(&buffer);
  }

  /// None where one is no contiguous float32 vector, is empty or has another length.
  static std::optional<VectorRows> gather(const pybind11::typing::List<pybind11::object>& vectors) {
    VectorRows rows(vectors.size());
    for (const pybind11::handle vector : vectors) {
      if (!rows.add(vector.ptr())) return std::nullopt;
    }
    return rows;
  }

  [[nodiscard]] similarity::Matrix matrix() const noexcept {
    return {nullptr, rows_.size(), columns_, 0, rows_.data()};
  }

 private:
  explicit VectorRows(std::size_t count) {
    buffers_.reserve(count);
    rows_.reserve(count);
  }

  bool add(PyObject* vector) {
    if (!PyObject_CheckBuffer(vector)) return false;
    Py_buffer buffer;
    if (PyObject_GetBuffer(vector, &buffer, PyBUF_ND | PyBUF_FORMAT) != 0) {
      PyErr_Clear();
      return false;
    }
    buffers_.push_back(buffer);
    if (buffer.ndim != 1 || buffer.format == nullptr || std::strcmp(buffer.format, "f") != 0) {
      return false;
    }
    if (reinterpret_cast<std::uintptr_t>(buffer.buf) % alignof(float) != 0) return false;
    const auto columns = static_cast<std::size_t>(buffer.shape[0]);
    if (columns == 0 || (!rows_.empty() && columns != columns_)) return false;
    columns_ = columns;
    rows_.push_back(static_cast<const float*>(buffer.buf));
    return true;
  }

  std::vector<Py_buffer> buffers_;
  std::vector<const float*> rows_;
  std::size_t columns_ = 0;
};

}  // namespace klg::bindings
