#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <string>

namespace klg::bindings {

/// A C-contiguous buffer of T with a fixed number of dimensions, checked once at the border.
///
/// Goes through the buffer protocol, so that the module needs no numpy.
template <class T>
class ArrayView {
 public:
  ArrayView(const pybind11::buffer& buffer, const char* name, pybind11::ssize_t ndim)
      : info_(buffer.request()) {
    if (!pybind11::detail::compare_buffer_info<T>::compare(info_)) {
      throw pybind11::type_error(std::string(name) + ": expected items of format '" +
                                 pybind11::format_descriptor<T>::format() + "', got '" +
                                 info_.format + "'");
    }
    if (info_.ndim != ndim) {
      throw pybind11::value_error(std::string(name) + ": expected " + std::to_string(ndim) +
                                  " dimension(s), got " + std::to_string(info_.ndim));
    }
    pybind11::ssize_t stride = info_.itemsize;
    for (pybind11::ssize_t axis = ndim - 1; axis >= 0; --axis) {
      const auto at = static_cast<std::size_t>(axis);
      if (info_.shape[at] > 1 && info_.strides[at] != stride) {
        throw pybind11::value_error(std::string(name) + ": expected a C-contiguous array");
      }
      stride *= info_.shape[at];
    }
  }

  [[nodiscard]] const T* data() const noexcept { return static_cast<const T*>(info_.ptr); }
  [[nodiscard]] std::size_t size(std::size_t axis) const noexcept {
    return static_cast<std::size_t>(info_.shape[axis]);
  }

 private:
  pybind11::buffer_info info_;
};

/// A matrix of T whose rows are contiguous and lie any whole number of items apart: a slice of
/// rows, or some of the columns, need no copy.
template <class T>
class RowsView {
 public:
  RowsView(const pybind11::buffer& buffer, const char* name) : info_(buffer.request()) {
    if (!pybind11::detail::compare_buffer_info<T>::compare(info_)) {
      throw pybind11::type_error(std::string(name) + ": expected items of format '" +
                                 pybind11::format_descriptor<T>::format() + "', got '" +
                                 info_.format + "'");
    }
    if (info_.ndim != 2) {
      throw pybind11::value_error(std::string(name) +
                                  ": expected 2 dimensions (rows, entries), got " +
                                  std::to_string(info_.ndim));
    }
    const bool contiguous = info_.shape[1] <= 1 || info_.strides[1] == info_.itemsize;
    if (!contiguous || info_.strides[0] % info_.itemsize != 0) {
      throw pybind11::value_error(std::string(name) + ": expected rows that are contiguous");
    }
  }

  [[nodiscard]] const T* data() const noexcept { return static_cast<const T*>(info_.ptr); }
  [[nodiscard]] std::size_t rows() const noexcept {
    return static_cast<std::size_t>(info_.shape[0]);
  }
  [[nodiscard]] std::size_t columns() const noexcept {
    return static_cast<std::size_t>(info_.shape[1]);
  }
  /// Items from one row to the next.
  [[nodiscard]] std::ptrdiff_t stride() const noexcept { return info_.strides[0] / info_.itemsize; }

 private:
  pybind11::buffer_info info_;
};

}  // namespace klg::bindings
