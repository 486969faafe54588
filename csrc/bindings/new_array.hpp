#pragma once

#include "slot_pool.hpp"

namespace klg::bindings {

/// A new array of numpy and its memory, as long as this lives.
class NewArray {
 public:
  NewArray(std::size_t size, const char* dtype)
      : array_(call_numpy("empty", "(ns)", static_cast<Py_ssize_t>(size), dtype)) {
    if (array_ != nullptr && PyObject_GetBuffer(array_, &buffer_, PyBUF_WRITABLE) != 0) {
      Py_CLEAR(array_);
    }
  }
  NewArray(const NewArray&) = delete;
  NewArray& operator=(const NewArray&) = delete;
  ~NewArray() {
    if (array_ == nullptr) return;
    PyBuffer_Release(&buffer_);
    Py_DECREF(array_);
  }

  explicit operator bool() const { return array_ != nullptr; }
  template <class T>
  [[nodiscard]] T* data() const {
    return static_cast<T*>(buffer_.buf);
  }
  PyObject* give() { return Py_NewRef(array_); }

 private:
  PyObject* array_;
  Py_buffer buffer_{};
};

}  // namespace klg::bindings
