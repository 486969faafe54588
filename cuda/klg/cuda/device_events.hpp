#pragma once

#include <memory>
#include <string>

#include "klg/core/error.hpp"
#include "klg/cuda/device_driver.hpp"
#include "klg/slots/stream_order.hpp"

namespace klg::cuda {

/// Events of CUDA streams, for frees in their order.
class DeviceEvents final : public slots::StreamEvents {
 public:
  explicit DeviceEvents(std::shared_ptr<DeviceDriver> driver) : driver_(std::move(driver)) {}

  [[nodiscard]] Event record(slots::Stream stream) override {
    Event event = 0;
    require(driver_->record(stream, event), "cannot record an event");
    return event;
  }
  [[nodiscard]] bool done(Event event) override {
    bool passed = false;
    require(driver_->query(event, passed), "a stream has failed");
    return passed;
  }
  void wait(Event event) override { require(driver_->wait(event), "a stream has failed"); }
  void destroy(Event event) noexcept override { driver_->destroy(event); }

  /// Has what `stream` is given from now on wait for what `other` has been given so far.
  void follow(slots::Stream stream, slots::Stream other) {
    const Event event = record(other);
    const DriverStatus status = driver_->hold_back(stream, event);
    driver_->destroy(event);  // the stream waits all the same
    require(status, "cannot have one stream wait for another");
  }

 private:
  void require(DriverStatus status, const char* what) const {
    if (status == kDriverOk) return;
    throw Error(std::string(what) + " on CUDA device " + std::to_string(driver_->device()) + ": " +
                driver_->describe(status));
  }

  std::shared_ptr<DeviceDriver> driver_;
};

}  // namespace klg::cuda
