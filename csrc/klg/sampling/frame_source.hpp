#pragma once

#include <cstddef>
#include <cstdint>

namespace klg::sampling {

/// One call of a stack as it is found: a code object and a place in it.
struct Frame {
  const void* code;
  std::int32_t offset;
};

/// Knows what the code objects of frames are called. Called under the recorder's lock, once for
/// each code object and each new place: must neither allocate nor call back.
class FrameSource {
 public:
  /// Keeps the code object alive, so that its address is not given to another.
  virtual void pin(const void* code) noexcept = 0;
  virtual void unpin(const void* code) noexcept = 0;
  [[nodiscard]] virtual std::int32_t line(const Frame& frame) noexcept = 0;
  /// Writes UTF-8 and returns its length, cut to `room` bytes.
  [[nodiscard]] virtual std::size_t file(const void* code, char* out,
                                         std::size_t room) noexcept = 0;
  [[nodiscard]] virtual std::size_t function(const void* code, char* out,
                                             std::size_t room) noexcept = 0;

 protected:
  ~FrameSource() = default;
};

}  // namespace klg::sampling
