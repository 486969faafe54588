#include "klg/slots/stream_order.hpp"

#include <exception>

#include "klg/core/error.hpp"

namespace klg::slots {

StreamOrder::~StreamOrder() {
  for (auto& [stream, queue] : queues_) {
    for (const std::uint32_t slot : queue.open) arena_.unpin(slot);
    while (!queue.closed.empty()) give_back(queue);
  }
}

SlotStatus StreamOrder::release(Handle handle, Stream stream) {
  const std::scoped_lock lock(lock_);
  Queue& queue = queues_[stream];
  queue.open.reserve(queue.open.size() + 1);
  const SlotStatus status = arena_.release_pinned(handle);
  if (status != SlotStatus::kLive) return status;
  queue.open.push_back(arena_.index(handle));
  ++statistics_.waiting;
  if (queue.open.size() >= batch_) close(stream, queue);
  return SlotStatus::kLive;
}

// What the arena gives, with as many batches given back to it as that takes.
template <class Take>
auto StreamOrder::take(Take from_arena) {
  poll_locked();
  for (;;) {
    std::exception_ptr failure;
    decltype(from_arena()) taken{};
    try {
      taken = from_arena();
    } catch (const OutOfMemory&) {
      failure = std::current_exception();
    }
    if (taken != decltype(taken){} || !wait_for_oldest()) {
      if (failure) std::rethrow_exception(failure);
      return taken;
    }
  }
}

Handle StreamOrder::allocate(Stream stream) {
  const std::scoped_lock lock(lock_);
  if (const auto mine = queues_.find(stream); mine != queues_.end()) {
    if (const Handle handle = reuse(mine->second.open)) return handle;
    for (auto batch = mine->second.closed.rbegin(); batch != mine->second.closed.rend(); ++batch) {
      if (const Handle handle = reuse(batch->slots)) return handle;
    }
  }
  return take([this] { return arena_.allocate(); });
}

Handle StreamOrder::allocate() {
  const std::scoped_lock lock(lock_);
  return take([this] { return arena_.allocate(); });
}

bool StreamOrder::allocate_many(std::span<Handle> out) {
  const std::scoped_lock lock(lock_);
  return take([this, out] { return arena_.allocate_many(out); });
}

std::size_t StreamOrder::poll() {
  const std::scoped_lock lock(lock_);
  return poll_locked();
}

void StreamOrder::synchronize() {
  const std::scoped_lock lock(lock_);
  while (wait_for_oldest()) {
  }
}

StreamOrderStatistics StreamOrder::statistics() const {
  const std::scoped_lock lock(lock_);
  return statistics_;
}

// The slot that was freed last and that nobody else looks at.
Handle StreamOrder::reuse(std::vector<std::uint32_t>& slots) {
  for (std::size_t k = slots.size(); k-- > 0;) {
    const Handle handle = arena_.reuse(slots[k]);
    if (handle == 0) continue;
    slots[k] = slots.back();
    slots.pop_back();
    --statistics_.waiting;
    ++statistics_.reused;
    return handle;
  }
  return 0;
}

void StreamOrder::close(Stream stream, Queue& queue) {
  if (queue.open.empty()) return;
  queue.closed.push_back({0, statistics_.events, {}});
  try {
    queue.closed.back().event = events_.record(stream);
  } catch (...) {
    queue.closed.pop_back();
    throw;
  }
  queue.closed.back().slots.swap(queue.open);
  ++statistics_.events;
}

// The oldest batch of a stream, which has come to its event.
std::size_t StreamOrder::give_back(Queue& queue) {
  Batch& batch = queue.closed.front();
  const std::size_t count = batch.slots.size();
  for (const std::uint32_t slot : batch.slots) arena_.unpin(slot);
  statistics_.waiting -= count;
  events_.destroy(batch.event);
  queue.closed.pop_front();
  return count;
}

std::size_t StreamOrder::poll_locked() {
  std::size_t count = 0;
  for (auto& [stream, queue] : queues_) {
    while (!queue.closed.empty() && events_.done(queue.closed.front().event)) {
      count += give_back(queue);
    }
  }
  return count;
}

// False if no stream holds any slot.
bool StreamOrder::wait_for_oldest() {
  Queue* oldest = nullptr;
  for (auto& [stream, queue] : queues_) {
    close(stream, queue);
    if (queue.closed.empty()) continue;
    if (oldest == nullptr || queue.closed.front().number < oldest->closed.front().number) {
      oldest = &queue;
    }
  }
  if (oldest == nullptr) return false;
  ++statistics_.waits;
  events_.wait(oldest->closed.front().event);
  give_back(*oldest);
  return true;
}

}  // namespace klg::slots
