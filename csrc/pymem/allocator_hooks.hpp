#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "klg/sampling/capture_memory.hpp"
#include "klg/sampling/sample_recorder.hpp"
#include "pymem/native_hooks.hpp"

// Called from the extension module, which is another library: see CMakeLists.txt.
#pragma GCC visibility push(default)

namespace klg::pymem {

/// How frees of small sampled blocks are noticed.
enum class HookMode {
  kNone,
  /// Sampled small blocks are asked for above pymalloc's limit, so that they come from the raw
  /// domain: only its free is hooked, and the frees of all other objects cost nothing.
  kDivert,
  /// Every free looks its address up in a filter: where the base allocator is not plain pymalloc.
  kFilter,
};

struct HookOptions {
  sampling::RecorderSettings recorder;
  bool follow_fork = false;  ///< a forked child goes on sampling into its copy of the capture
  /// Where not empty, a forked child records into a new file of its own in this folder, from empty.
  std::string child_folder;
  NativeMode native = NativeMode::kOff;
  std::vector<const void*> own_modules;  ///< addresses in modules whose C allocations are ours
};

/// Why the hooks cannot be used in this interpreter, or an empty string. Needs the GIL.
[[nodiscard]] std::string unavailable_reason();

/// Installs the hooks and begins to record. Needs the GIL.
/// @throws klg::Error where they are unavailable or already recording
void start(std::shared_ptr<sampling::CaptureMemory> memory, const HookOptions& options);

/// Ends the recording; the capture keeps its totals. Takes the hooks out, or, where somebody else
/// has hooked on top of them, leaves them in place as plain pass-through. Needs the GIL; may be
/// repeated.
void stop();

[[nodiscard]] bool recording() noexcept;

/// Reads what the C library holds free, if that is due: for a process that allocates too little for
/// samples to do it. May be called by any thread.
void look_at_c_heap() noexcept;

/// See SampleRecorder::ask_for_mean.
void ask_for_mean(double bytes) noexcept;

/// Of the present hooks, or kNone.
[[nodiscard]] HookMode mode() noexcept;

}  // namespace klg::pymem

#pragma GCC visibility pop
