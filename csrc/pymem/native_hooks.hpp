#pragma once

#include <string>
#include <vector>

// Called from the extension module, which is another library: see CMakeLists.txt.
#pragma GCC visibility push(default)

namespace klg::pymem {

/// How calls of the C library's allocator are seen, beside those of the interpreter's allocators.
enum class NativeMode {
  kOff,
  /// Import tables of the loaded modules point to our hooks. Blind to callers that look `malloc` up
  /// by name, and to the interpreter's own calls, whose raw domain is hooked instead.
  kImports,
  /// A library of ours stands in front of the C library's: it had to be named when the process was
  /// started, and sees every call.
  kPreload,
};

/// Why a mode cannot be used in this process, or an empty string.
[[nodiscard]] std::string native_unavailable_reason(NativeMode mode);

/// Begins to see C allocations. Pins this library, whose functions may be called for ever after.
/// @param own addresses in modules of ours, whose calls are left alone
void start_native(NativeMode mode, std::vector<const void*> own);

/// Takes the hooks out, as far as nobody has put theirs over them.
void stop_native() noexcept;

/// Looks for modules that were loaded in another way than through a path, and hooks them too.
void refresh_native() noexcept;

/// In a forked child: nobody else is at work here.
void reset_native_after_fork() noexcept;

}  // namespace klg::pymem

#pragma GCC visibility pop
