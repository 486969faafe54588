#pragma once

#include <cstddef>

#include "klg/sampling/frame_source.hpp"

// Called from the extension module too, which is another library.
#pragma GCC visibility push(default)
namespace klg::pymem {

/// Why the frames of this interpreter cannot be read, or an empty string.
[[nodiscard]] const char* capture_unavailable_reason() noexcept;

/// Whether the main interpreter is being torn down.
[[nodiscard]] bool finalizing() noexcept;

/// The Python calls of this thread, innermost first, cut to `room` frames.
///
/// Walks borrowed pointers: creates no frame object, changes no reference count and allocates
/// nothing, so it may be called from inside an allocator. A thread that has let the interpreter's
/// lock go stands still in its Python frames, which are read all the same; a thread without any, or
/// of another interpreter, gives none.
///
/// @param attached whether the thread holds the main interpreter's lock: then reference counts of
///   that interpreter's objects may be changed
[[nodiscard]] std::size_t capture_stack(sampling::Frame* frames, std::size_t room,
                                        bool& attached) noexcept;

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
