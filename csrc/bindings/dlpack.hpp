#pragma once

#include <cstdint>

/// The structures of DLPack that cross from library to library, laid out as its specification says
/// (versions 0.x, and 1.x with a version and flags before the tensor).
namespace klg::bindings::dlpack {

enum DeviceType : std::int32_t { kCpu = 1, kCuda = 2 };
enum TypeCode : std::uint8_t { kInt = 0, kUnsigned = 1, kFloat = 2, kBool = 6 };

struct Device {
  std::int32_t type;
  std::int32_t id;
};

struct DataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};

struct Tensor {
  void* data;
  Device device;
  std::int32_t ndim;
  DataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  ///< In items.
  std::uint64_t byte_offset;
};

struct ManagedTensor {
  static constexpr const char* kCapsule = "dltensor";
  static constexpr const char* kTaken = "used_dltensor";
  Tensor tensor;
  void* context;
  void (*deleter)(ManagedTensor*);
};

struct VersionedTensor {
  static constexpr const char* kCapsule = "dltensor_versioned";
  static constexpr const char* kTaken = "used_dltensor_versioned";
  std::uint32_t major;
  std::uint32_t minor;
  void* context;
  void (*deleter)(VersionedTensor*);
  std::uint64_t flags;
  Tensor tensor;
};

}  // namespace klg::bindings::dlpack
