#include "klg/sampling/stack_trie.hpp"

#include <cstring>

namespace klg::sampling {
namespace {

constexpr std::size_t kNodeSlots = std::size_t{2} * kMaxNodes;
constexpr std::size_t kCodeSlots = std::size_t{2} * kMaxCodes;

std::size_t hash(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t x = a * 0x9E3779B97F4A7C15u ^ b;
  x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
  return static_cast<std::size_t>(x ^ (x >> 32));
}

}  // namespace

StackTrie::StackTrie(Capture& capture, FrameSource& source)
    : capture_(&capture),
      source_(&source),
      node_table_(kNodeSlots * sizeof(std::uint32_t)),
      node_keys_(kMaxNodes * sizeof(NodeKey)),
      code_table_(kCodeSlots * sizeof(std::uint32_t)),
      code_pointers_(kMaxCodes * sizeof(const void*)),
      code_pinned_(kMaxCodes) {
  node_table_.populate();
  code_table_.populate();
  // Number 0 is the root and the unknown code; it also marks empty slots of the tables.
  capture.header.nodes.store(1, std::memory_order_release);
  capture.header.codes.store(1, std::memory_order_release);
}

std::uint32_t StackTrie::intern(const Frame* frames, std::size_t count, bool may_pin) noexcept {
  std::uint32_t node = 0;
  for (std::size_t k = count; k > 0; --k) {
    node = child(node, frames[k - 1], may_pin);
    if (node == kFull) return 0;
  }
  return node;
}

std::uint32_t StackTrie::child(std::uint32_t parent, const Frame& frame, bool may_pin) noexcept {
  auto* table = node_table_.as<std::uint32_t>();
  auto* keys = node_keys_.as<NodeKey>();
  const auto address = reinterpret_cast<std::uintptr_t>(frame.code);
  const std::uint64_t place = (address << 16) ^ static_cast<std::uint32_t>(frame.offset);
  std::size_t slot = hash(place, parent) % kNodeSlots;
  std::uint32_t code_number = 0;  // looked up when it is first needed
  for (; table[slot] != 0; slot = (slot + 1) % kNodeSlots) {
    NodeKey& key = keys[table[slot]];
    if (key.pointer != frame.code || key.parent != parent || key.offset != frame.offset) continue;
    if (key.sure) return table[slot];
    if (code_number == 0) code_number = code(frame.code, may_pin);
    if (code_number == kFull) return kFull;
    if (key.code != code_number) continue;
    key.sure = code_pinned_.as<bool>()[code_number];
    return table[slot];
  }
  if (code_number == 0) code_number = code(frame.code, may_pin);
  if (code_number == kFull) return kFull;
  const std::uint32_t number = capture_->header.nodes.load(std::memory_order_relaxed);
  if (number == kMaxNodes) return kFull;
  table[slot] = number;
  keys[number] = {frame.code, parent, frame.offset, code_number,
                  code_pinned_.as<bool>()[code_number]};
  capture_->nodes[number] = {parent, code_number, source_->line(frame)};
  capture_->header.nodes.store(number + 1, std::memory_order_release);
  return number;
}

bool StackTrie::has_names(std::uint32_t number, const void* pointer) noexcept {
  const CodeName& known = capture_->codes[number];
  const std::size_t file = source_->file(pointer, names_, kLongestName);
  if (file != known.file_length || std::memcmp(names_, capture_->text + known.file, file) != 0) {
    return false;
  }
  const std::size_t function = source_->function(pointer, names_, kLongestName);
  return function == known.function_length &&
         std::memcmp(names_, capture_->text + known.function, function) == 0;
}

std::uint32_t StackTrie::code(const void* pointer, bool may_pin) noexcept {
  auto* table = code_table_.as<std::uint32_t>();
  auto* pinned = code_pinned_.as<bool>();
  auto* pointers = code_pointers_.as<const void*>();
  std::size_t slot = hash(reinterpret_cast<std::uintptr_t>(pointer), 0) % kCodeSlots;
  for (; table[slot] != 0; slot = (slot + 1) % kCodeSlots) {
    const std::uint32_t known = table[slot];
    if (pointers[known] != pointer || (!pinned[known] && !has_names(known, pointer))) continue;
    if (may_pin && !pinned[known]) {
      source_->pin(pointer);
      pinned[known] = true;
    }
    return known;
  }
  const std::uint32_t number = capture_->header.codes.load(std::memory_order_relaxed);
  std::uint32_t text = capture_->header.text.load(std::memory_order_relaxed);
  if (number == kMaxCodes || kMaxText - text < 2 * kLongestName) return kFull;
  if (may_pin) source_->pin(pointer);
  pinned[number] = may_pin;
  table[slot] = number;
  pointers[number] = pointer;
  CodeName& name = capture_->codes[number];
  name.file = text;
  name.file_length =
      static_cast<std::uint32_t>(source_->file(pointer, capture_->text + text, kLongestName));
  text += name.file_length;
  name.function = text;
  name.function_length =
      static_cast<std::uint32_t>(source_->function(pointer, capture_->text + text, kLongestName));
  text += name.function_length;
  capture_->header.text.store(text, std::memory_order_relaxed);
  capture_->header.codes.store(number + 1, std::memory_order_release);
  return number;
}

void StackTrie::unpin_all() noexcept {
  auto* pointers = code_pointers_.as<const void*>();
  const std::uint32_t count = capture_->header.codes.load(std::memory_order_relaxed);
  const auto* pinned = code_pinned_.as<bool>();
  for (std::uint32_t k = 1; k < count; ++k) {
    if (pinned[k]) source_->unpin(pointers[k]);
  }
}

}  // namespace klg::sampling
