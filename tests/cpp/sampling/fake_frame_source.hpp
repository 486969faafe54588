#pragma once

#include <cstring>
#include <map>
#include <string>

#include "klg/sampling/block_classifier.hpp"
#include "klg/sampling/frame_source.hpp"

namespace klg::sampling {

/// Code objects that are only numbers: number n is function f<n> of file n.py.
class FakeFrameSource final : public FrameSource {
 public:
  std::map<const void*, int> pins;
  std::map<const void*, std::uintptr_t> renamed;

  static const void* code(std::uintptr_t number) { return reinterpret_cast<const void*>(number); }

  void pin(const void* code) noexcept override { ++pins[code]; }
  void unpin(const void* code) noexcept override { --pins[code]; }
  std::int32_t line(const Frame& frame) noexcept override { return frame.offset / 2; }
  std::size_t file(const void* code, char* out, std::size_t room) noexcept override {
    return write(std::to_string(number(code)) + ".py", out, room);
  }
  std::size_t function(const void* code, char* out, std::size_t room) noexcept override {
    return write("f" + std::to_string(number(code)), out, room);
  }

 private:
  [[nodiscard]] std::uintptr_t number(const void* code) const {
    const auto known = renamed.find(code);
    return known == renamed.end() ? reinterpret_cast<std::uintptr_t>(code) : known->second;
  }
  static std::size_t write(const std::string& text, char* out, std::size_t room) {
    const std::size_t size = text.size() < room ? text.size() : room;
    std::memcpy(out, text.data(), size);
    return size;
  }
};

/// Takes blocks of 48 bytes for recycled ones; never reads them.
class FakeClassifier final : public BlockClassifier {
 public:
  [[nodiscard]] bool plausible(std::size_t size) const noexcept override { return size == 48; }
  [[nodiscard]] BlockKind classify(const void*, std::size_t) const noexcept override {
    return BlockKind::kRecycled;
  }
};

}  // namespace klg::sampling
