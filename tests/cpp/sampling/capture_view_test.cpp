#include "klg/sampling/capture_view.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "klg/core/error.hpp"
#include "klg/sampling/address_filter.hpp"
#include "klg/sampling/sample_recorder.hpp"
#include "sampling/fake_frame_source.hpp"

namespace klg::sampling {
namespace {

TEST(CaptureView, IsEmptyBeforeASamplerBegins) {
  CaptureView view(std::make_shared<CaptureMemory>(CaptureMemory::anonymous()));
  EXPECT_FALSE(view.begun());
  EXPECT_TRUE(view.live().empty());
  EXPECT_TRUE(view.new_nodes().empty());
  EXPECT_EQ(view.totals(5).samples, 0u);
}

TEST(CaptureView, SkipsARecordThatItsWriterLeftHalfWritten) {
  auto memory = std::make_shared<CaptureMemory>(CaptureMemory::anonymous());
  Capture& capture = **memory;
  capture.header.slots.store(2);
  for (int k = 0; k < 2; ++k) {
    capture.samples[k].address.store(0x10);
    capture.samples[k].version.store(k == 0 ? 3 : 4);
  }
  EXPECT_EQ(CaptureView(memory).live().size(), 1u);
}

TEST(CaptureView, ReadsWhatAKilledProcessHasWritten) {
  const int descriptor = CaptureMemory::create_descriptor();
  auto memory = std::make_shared<CaptureMemory>(CaptureMemory::shared(descriptor, false));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto filter = std::make_unique<AddressFilter>();
    FakeFrameSource source;
    FakeClassifier classifier;
    SampleRecorder recorder(*filter);
    recorder.open(std::make_shared<CaptureMemory>(CaptureMemory::shared(descriptor, true)), source,
                  classifier, {1024.0, 0.0, 0.0}, 0);
    const Frame frame{FakeFrameSource::code(7), 20};
    recorder.born({reinterpret_cast<const void*>(0x10), 64, 1024.0, 1, 0.5, 42, &frame, 1, false});
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  close(descriptor);

  CaptureView view(memory);
  ASSERT_TRUE(view.begun());
  const std::vector<Life> lives = view.live();
  ASSERT_EQ(lives.size(), 1u);
  EXPECT_EQ(lives[0].birth_ns, 42);
  const std::vector<StackNode> nodes = view.new_nodes();
  const std::vector<CaptureView::Name> names = view.new_codes();
  ASSERT_LT(lives[0].node, nodes.size());
  EXPECT_EQ(nodes[lives[0].node].line, 10);
  EXPECT_EQ(names[nodes[lives[0].node].code].file, "7.py");
  EXPECT_TRUE(view.new_nodes().empty());
  EXPECT_TRUE(view.totals(100).running);  // it never had the chance to say that it ended
}

TEST(CaptureMemory, RefusesADescriptorThatIsTooShort) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_THROW(CaptureMemory::shared(ends[0], false), Error);
  EXPECT_THROW(CaptureMemory::shared(-1, false), Error);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace klg::sampling
