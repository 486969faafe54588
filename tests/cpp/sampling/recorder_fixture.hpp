#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "klg/sampling/capture_view.hpp"
#include "klg/sampling/sample_recorder.hpp"
#include "sampling/fake_frame_source.hpp"

namespace klg::sampling {

inline constexpr std::int64_t kSecond = 1'000'000'000;

/// A recorder that writes into a capture of its own, and a view of that.
struct RecorderFixture {
  std::unique_ptr<AddressFilter> filter = std::make_unique<AddressFilter>();
  FakeFrameSource source;
  FakeClassifier classifier;
  SampleRecorder recorder{*filter};
  std::shared_ptr<CaptureMemory> memory =
      std::make_shared<CaptureMemory>(CaptureMemory::anonymous());
  CaptureView view{memory};

  explicit RecorderFixture(const RecorderSettings& settings) {
    recorder.open(memory, source, classifier, settings, 0);
  }

  void born(std::uint64_t address, std::int64_t now, std::size_t size = 64, double uniform = 0.5,
            double mean = 1024.0) {
    const Frame frame{FakeFrameSource::code(1 + address % 3), 2};
    recorder.born({pointer(address), size, mean, 1, uniform, now, &frame, 1, true});
  }
  static const void* pointer(std::uint64_t address) {
    return reinterpret_cast<const void*>(address);
  }
};

}  // namespace klg::sampling
