#pragma once

#include <cstddef>
#include <cstdint>

#include "klg/core/page_memory.hpp"
#include "klg/sampling/capture_layout.hpp"
#include "klg/sampling/frame_source.hpp"

namespace klg::sampling {

/// Interned call stacks, sharing their outer calls.
///
/// One writer at a time; what it has written is published in the capture. Lookup tables are private
/// to this process and committed as they fill.
class StackTrie {
 public:
  /// @throws std::bad_alloc
  StackTrie(Capture& capture, FrameSource& source);
  StackTrie(const StackTrie&) = delete;
  StackTrie& operator=(const StackTrie&) = delete;

  /// The node of a stack, innermost call first; 0 where a table is full or the stack is empty.
  ///
  /// @param may_pin whether this thread may keep code objects alive now. Where it may not, a code
  ///   object that is new is known by its names as well, and compared by them when its address is
  ///   met again, until it can be pinned.
  [[nodiscard]] std::uint32_t intern(const Frame* frames, std::size_t count, bool may_pin) noexcept;

  /// Lets the code objects go. The trie must not be used after that.
  void unpin_all() noexcept;

 private:
  static constexpr std::uint32_t kFull = 0xFFFFFFFFu;

  static constexpr std::uint32_t kLongestName = 4096;

  [[nodiscard]] std::uint32_t child(std::uint32_t parent, const Frame& frame,
                                    bool may_pin) noexcept;
  [[nodiscard]] std::uint32_t code(const void* pointer, bool may_pin) noexcept;
  [[nodiscard]] bool has_names(std::uint32_t number, const void* pointer) noexcept;

  // Small and by the code object's address, so that a known call costs two cache lines: a stack of
  // thirty is met once in a while, when the program has had the caches to itself.
  struct NodeKey {
    const void* pointer;
    std::uint32_t parent;
    std::int32_t offset;
    std::uint32_t code;
    bool sure;  // the code object is kept alive: the address cannot be that of another one
  };

  Capture* capture_;
  FrameSource* source_;
  PageMemory node_table_;  ///< node numbers by hash, 0 for empty
  PageMemory node_keys_;
  PageMemory code_table_;
  PageMemory code_pointers_;
  PageMemory code_pinned_;  ///< whether the code object is kept alive, by number
  char names_[kLongestName] = {};
};

}  // namespace klg::sampling
