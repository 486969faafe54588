#include "klg/sampling/stack_trie.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>
#include <vector>

#include "klg/sampling/capture_memory.hpp"
#include "sampling/fake_frame_source.hpp"

namespace klg::sampling {
namespace {

TEST(StackTrie, GivesEqualStacksOneNodeAndOthersAnother) {
  CaptureMemory memory = CaptureMemory::anonymous();
  FakeFrameSource source;
  StackTrie trie(*memory, source);
  std::map<std::vector<std::pair<const void*, int>>, std::uint32_t> model;
  std::mt19937 random(3);
  for (int step = 0; step < 20'000; ++step) {
    std::vector<Frame> frames;
    std::vector<std::pair<const void*, int>> key;
    const std::size_t depth = 1 + random() % 6;
    for (std::size_t k = 0; k < depth; ++k) {
      const Frame frame{FakeFrameSource::code(1 + random() % 4),
                        static_cast<std::int32_t>(2 * (random() % 3))};
      frames.push_back(frame);
      key.emplace_back(frame.code, frame.offset);
    }
    const std::uint32_t node = trie.intern(frames.data(), frames.size(), true);
    ASSERT_NE(node, 0u);
    const auto [known, is_new] = model.emplace(key, node);
    ASSERT_EQ(known->second, node);
    // The path to the root spells the stack, innermost call first.
    std::uint32_t at = node;
    for (const Frame& frame : frames) {
      ASSERT_EQ(memory->nodes[at].line, frame.offset / 2);
      const CodeName& name = memory->codes[memory->nodes[at].code];
      ASSERT_EQ(std::string(memory->text + name.function, name.function_length),
                "f" + std::to_string(reinterpret_cast<std::uintptr_t>(frame.code)));
      at = memory->nodes[at].parent;
    }
    ASSERT_EQ(at, 0u);
  }
}

TEST(StackTrie, PinsEachCodeObjectOnceAndLetsAllGo) {
  CaptureMemory memory = CaptureMemory::anonymous();
  FakeFrameSource source;
  StackTrie trie(*memory, source);
  for (int step = 0; step < 100; ++step) {
    const Frame frames[] = {{FakeFrameSource::code(1 + step % 3u), 2 * step},
                            {FakeFrameSource::code(9), 0}};
    EXPECT_NE(trie.intern(frames, 2, true), 0u);
  }
  EXPECT_EQ(source.pins.size(), 4u);
  for (const auto& [code, count] : source.pins) EXPECT_EQ(count, 1);
  trie.unpin_all();
  for (const auto& [code, count] : source.pins) EXPECT_EQ(count, 0);
}

TEST(StackTrie, KnowsByNameWhatItCouldNotPin) {
  CaptureMemory memory = CaptureMemory::anonymous();
  FakeFrameSource source;
  StackTrie trie(*memory, source);
  const Frame frame{FakeFrameSource::code(5), 2};
  const std::uint32_t first = trie.intern(&frame, 1, false);
  ASSERT_NE(first, 0u);
  EXPECT_EQ(trie.intern(&frame, 1, false), first);
  EXPECT_TRUE(source.pins.empty());
  // The address is given to another code object.
  source.renamed[frame.code] = 77;
  const std::uint32_t other = trie.intern(&frame, 1, false);
  EXPECT_NE(other, first);
  source.renamed.clear();
  EXPECT_EQ(trie.intern(&frame, 1, true), first);
  EXPECT_EQ(source.pins.at(frame.code), 1);
  trie.unpin_all();
  EXPECT_EQ(source.pins.at(frame.code), 0);
}

TEST(StackTrie, GivesTheUnknownStackWhenFull) {
  CaptureMemory memory = CaptureMemory::anonymous();
  FakeFrameSource source;
  StackTrie trie(*memory, source);
  Frame frame{FakeFrameSource::code(1), 0};
  for (std::uint32_t k = 1; k < kMaxNodes; ++k) {
    frame.offset = static_cast<std::int32_t>(2 * k);
    ASSERT_EQ(trie.intern(&frame, 1, true), k);
  }
  frame.offset = 0;
  EXPECT_EQ(trie.intern(&frame, 1, true), 0u);
  frame.offset = 2;
  EXPECT_EQ(trie.intern(&frame, 1, true), 1u);
  for (std::uintptr_t number = 2; number < 2 * kMaxCodes; ++number) {
    const Frame other{FakeFrameSource::code(number), 0};
    EXPECT_EQ(trie.intern(&other, 1, true), 0u);
  }
}

}  // namespace
}  // namespace klg::sampling
