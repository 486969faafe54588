#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <cstdint>
#include <optional>
#include <string>

#include "bindings.hpp"
#include "dlpack.hpp"

namespace klg::bindings {
namespace {

namespace py = pybind11;

using dlpack::DataType;
using dlpack::ManagedTensor;
using dlpack::Tensor;
using dlpack::VersionedTensor;
using Numbers = py::typing::Tuple<py::int_, py::ellipsis>;

constexpr std::uint32_t kMajor = 1;

/// An array that another library lent by `__dlpack__`; given back with the object.
class DlpackArray {
 public:
  explicit DlpackArray(const py::capsule& capsule) {
    PyObject* const raw = capsule.ptr();
    if (PyCapsule_IsValid(raw, VersionedTensor::kCapsule) != 0) {
      versioned_ =
          static_cast<VersionedTensor*>(PyCapsule_GetPointer(raw, VersionedTensor::kCapsule));
      if (versioned_->major != kMajor) {
        throw py::buffer_error("DLPack " + std::to_string(versioned_->major) +
                               ": only version 1 can be read");
      }
      PyCapsule_SetName(raw, VersionedTensor::kTaken);
    } else if (PyCapsule_IsValid(raw, ManagedTensor::kCapsule) != 0) {
      managed_ = static_cast<ManagedTensor*>(PyCapsule_GetPointer(raw, ManagedTensor::kCapsule));
      PyCapsule_SetName(raw, ManagedTensor::kTaken);
    } else {
      throw py::type_error("expected a DLPack capsule that nobody has taken yet");
    }
  }
  DlpackArray(const DlpackArray&) = delete;
  DlpackArray& operator=(const DlpackArray&) = delete;
  ~DlpackArray() {
    if (managed_ != nullptr && managed_->deleter != nullptr) managed_->deleter(managed_);
    if (versioned_ != nullptr && versioned_->deleter != nullptr) versioned_->deleter(versioned_);
  }

  [[nodiscard]] std::uintptr_t pointer() const noexcept {
    return reinterpret_cast<std::uintptr_t>(tensor().data) + tensor().byte_offset;
  }
  /// As `__array_interface__` says it: kind and bytes of an item.
  [[nodiscard]] std::string typestr() const {
    constexpr const char* kKinds = "iufV?cb";  // signed, unsigned, float, opaque, bfloat16, complex
    const DataType type = tensor().dtype;
    const char kind = type.code < 7 && type.lanes == 1 ? kKinds[type.code] : '?';
    return std::string("<") + kind + std::to_string(type.bits / 8);
  }
  [[nodiscard]] Numbers shape() const { return numbers(tensor().shape, 1); }
  /// In bytes; None for an array without gaps.
  [[nodiscard]] std::optional<Numbers> strides() const {
    if (tensor().strides == nullptr) return std::nullopt;
    return numbers(tensor().strides, tensor().dtype.bits / 8);
  }

 private:
  [[nodiscard]] const Tensor& tensor() const noexcept {
    return versioned_ != nullptr ? versioned_->tensor : managed_->tensor;
  }
  [[nodiscard]] Numbers numbers(const std::int64_t* values, std::int64_t factor) const {
    py::tuple result(static_cast<std::size_t>(tensor().ndim));
    for (std::size_t k = 0; k < result.size(); ++k) result[k] = py::int_(values[k] * factor);
    return result;
  }

  ManagedTensor* managed_ = nullptr;
  VersionedTensor* versioned_ = nullptr;
};

}  // namespace

void bind_dlpack(py::module_& m) {
  py::class_<DlpackArray>(m, "DlpackArray",
                          "An array that another library lends; given back with this object.")
      .def(py::init<const py::capsule&>(), py::arg("capsule"))
      .def_property_readonly("pointer", &DlpackArray::pointer, "Address of the first entry.")
      .def_property_readonly("typestr", &DlpackArray::typestr, "Kind and bytes of an entry.")
      .def_property_readonly("shape", &DlpackArray::shape, "Entries along each axis.")
      .def_property_readonly("strides", &DlpackArray::strides,
                             "Bytes from one entry to the next along each axis, or None.");
}

}  // namespace klg::bindings
