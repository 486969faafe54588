#pragma once

#include <cstddef>

#include "klg/sampling/frame_source.hpp"

// Called from the extension module too, which is another library.
#pragma GCC visibility push(default)
namespace klg::pymem {

/// Why the frames of this interpreter cannot be read, or an empty string.
[[nodiscard]] const char* capture_unavailable_reason() noexcept;

/// Whether the calling thread is attached to the main interpreter: then its frames may be read, and
/// reference counts of that interpreter's objects may be changed.
[[nodiscard]] bool attached_to_main() noexcept;

/// Whether the main interpreter is being torn down.
[[nodiscard]] bool finalizing() noexcept;

/// The Python calls of this thread, innermost first, cut to `room` frames.
///
/// Walks borrowed pointers: creates no frame object, changes no reference count and allocates
/// nothing, so it may be called from inside an allocator. Call it only when `attached_to_main`.
[[nodiscard]] std::size_t capture_stack(sampling::Frame* frames, std::size_t room) noexcept;

/// Names and lines of code objects.
class CodeSource final : public sampling::FrameSource {
 public:
  void pin(const void* code) noexcept override;
  void unpin(const void* code) noexcept override;
  [[nodiscard]] std::int32_t line(const sampling::Frame& frame) noexcept override;
  [[nodiscard]] std::size_t file(const void* code, char* out, std::size_t room) noexcept override;
  [[nodiscard]] std::size_t function(const void* code, char* out,
                                     std::size_t room) noexcept override;
};

}  // namespace klg::pymem
#pragma GCC visibility pop
