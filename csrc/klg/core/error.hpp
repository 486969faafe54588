#pragma once

#include <stdexcept>

namespace klg {

/// Root of every error that native code raises on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// CUDA was asked for, and there is no CUDA build, no driver or no device.
class CudaUnavailable : public Error {
 public:
  using Error::Error;
};

/// A handle whose record is gone: released earlier, or its slot recycled.
class StaleHandle : public Error {
 public:
  using Error::Error;
};

/// Memory could not be reserved or committed; the message says how much and why.
class OutOfMemory : public Error {
 public:
  using Error::Error;
};

}  // namespace klg
