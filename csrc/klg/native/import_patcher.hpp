#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace klg::native {

/// A function that modules import, and what is to stand in their import tables instead.
struct Import {
  const char* name;
  void* original;  ///< what the name means in this process
  void* alias;     ///< its other address: a program that is not position-independent may have one
  void* hook;
  /// Whether calls of the interpreter itself are to come to the hook too.
  bool in_interpreter;
};

/// Redirects what loaded modules import, by writing into their import tables (ELF: the global
/// offset table and relocated function pointers).
///
/// Keeps no list of what it has written: to restore, it looks for its own hooks in the tables that
/// are there then, so that modules may come and go and others may patch on top. Each write is one
/// atomic store; a page that was read-only is so again afterwards. Not for concurrent use.
class ImportPatcher {
 public:
  /// @param imports names of the same order everywhere; originals must not be null
  /// @param own addresses inside modules that are never touched
  /// @param interpreter an address inside the interpreter
  ImportPatcher(std::vector<Import> imports, std::vector<const void*> own, const void* interpreter);

  /// Why nothing should be patched in this process, or an empty string: a sanitizer, or somebody
  /// else who patches the same functions.
  [[nodiscard]] std::string refusal() const;

  /// Redirects the imports of modules that are loaded now and were not when it was last called.
  /// @returns slots written
  std::size_t patch();

  /// Puts the originals back wherever our hook is still in place.
  /// @returns slots written
  std::size_t restore();

 private:
  struct Module;
  struct Slot;
  enum class Purpose { kPatch, kRestore };

  template <class Visit>
  void visit_slots(bool only_new, Visit&& visit) const;
  [[nodiscard]] bool excluded(const Module& module) const noexcept;
  [[nodiscard]] bool known(const Module& module) const noexcept;
  [[nodiscard]] static bool means_original(const Slot& slot) noexcept;
  std::size_t write(Purpose purpose);

  std::vector<Import> imports_;
  std::vector<const void*> own_;
  const void* interpreter_;
  std::vector<std::uintptr_t> known_;  ///< modules patched so far, by address of their tables
  std::uint64_t loads_ = 0;            ///< of the process, when they were
  std::uint64_t unloads_ = 0;
};

}  // namespace klg::native
