#pragma once

#include "klg/sampling/capture_layout.hpp"

namespace klg::sampling {

/// Pages that hold a Capture: private to this process, or shared through a file descriptor with one
/// that watches it and outlives it.
class CaptureMemory {
 public:
  /// Pages of this process alone; a forked child gets a copy.
  /// @throws klg::Error
  static CaptureMemory anonymous();

  /// Maps the capture behind a descriptor. The descriptor can be closed afterwards.
  /// @throws klg::Error where it cannot be mapped or is too short
  static CaptureMemory shared(int descriptor, bool writable);

  /// A new file of this process in a folder, named by its number, mapped for writing.
  /// @throws klg::Error where it cannot be made or is there already
  static CaptureMemory file_of_this_process(const char* folder);

  /// A new descriptor of memory that is long enough for `shared`; close-on-exec.
  /// @throws klg::Error
  static int create_descriptor();

  CaptureMemory(CaptureMemory&& other) noexcept;
  CaptureMemory& operator=(CaptureMemory&& other) noexcept;
  CaptureMemory(const CaptureMemory&) = delete;
  CaptureMemory& operator=(const CaptureMemory&) = delete;
  ~CaptureMemory();

  [[nodiscard]] Capture& operator*() const noexcept { return *capture_; }
  [[nodiscard]] Capture* operator->() const noexcept { return capture_; }

 private:
  explicit CaptureMemory(Capture* capture) noexcept : capture_(capture) {}

  Capture* capture_;
};

}  // namespace klg::sampling
