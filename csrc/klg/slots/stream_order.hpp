#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "klg/slots/slot_arena.hpp"

namespace klg::slots {

/// A queue of work on a device, by the number that its runtime gives it; 0 is the default one.
using Stream = std::uintptr_t;

/// Marks in streams: what `StreamOrder` needs of a device.
class StreamEvents {
 public:
  using Event = std::uintptr_t;

  StreamEvents() = default;
  StreamEvents(const StreamEvents&) = delete;
  StreamEvents& operator=(const StreamEvents&) = delete;
  virtual ~StreamEvents() = default;

  /// An event behind everything that the stream has been given so far. Throws Error.
  [[nodiscard]] virtual Event record(Stream stream) = 0;
  /// Whether the stream has come to it. Throws Error where the device has failed.
  [[nodiscard]] virtual bool done(Event event) = 0;
  /// Returns once it has.
  virtual void wait(Event event) = 0;
  virtual void destroy(Event event) noexcept = 0;
};

struct StreamOrderStatistics {
  std::uint64_t waiting = 0;  ///< Slots freed on a stream and neither reused nor given back yet.
  std::uint64_t events = 0;   ///< Recorded so far.
  std::uint64_t reused = 0;   ///< Handed out again on the stream that had freed them.
  std::uint64_t waits = 0;    ///< Times that an allocation had to wait for a stream.
};

/// Frees in the order of streams: a slot that queued work may still read or write is had at once on
/// the same stream, whose order keeps the two apart, and on others once the work is done.
///
/// Freed slots are gathered by stream, and one event stands for a batch of them. A handle is dead
/// as soon as it is freed, whatever the device still does. Safe to use from several threads.
class StreamOrder {
 public:
  /// Both must outlive it.
  StreamOrder(SlotArena& arena, StreamEvents& events, std::size_t batch = 64)
      : arena_(arena), events_(events), batch_(batch) {}
  StreamOrder(const StreamOrder&) = delete;
  StreamOrder& operator=(const StreamOrder&) = delete;
  /// Waits for nothing: work that is queued must not touch the arena any more.
  ~StreamOrder();

  /// Frees a handle behind what `stream` has been given so far; as `SlotArena::release` otherwise.
  /// Throws Error if a batch cannot be marked: the slot is freed, and marked with the next one.
  SlotStatus release(Handle handle, Stream stream);

  /// A new handle for work on `stream`, or 0 if every slot is in use. Waits for a stream only where
  /// there is no other slot. Throws as `SlotArena::allocate`.
  [[nodiscard]] Handle allocate(Stream stream);

  /// The same for work on whatever stream: slots that no stream has anything to do with.
  [[nodiscard]] Handle allocate();

  /// All or nothing, as `SlotArena::allocate_many`.
  [[nodiscard]] bool allocate_many(std::span<Handle> out);

  /// Gives slots back whose streams are done with them; says how many.
  std::size_t poll();

  /// Waits for all streams and gives everything back.
  void synchronize();

  [[nodiscard]] StreamOrderStatistics statistics() const;

 private:
  struct Batch {
    StreamEvents::Event event;
    std::uint64_t number;  // in the order of recording
    std::vector<std::uint32_t> slots;
  };
  struct Queue {
    std::vector<std::uint32_t> open;  // behind no event yet
    std::deque<Batch> closed;
  };

  Handle reuse(std::vector<std::uint32_t>& slots);
  void close(Stream stream, Queue& queue);
  std::size_t give_back(Queue& queue);
  std::size_t poll_locked();
  template <class Take>
  auto take(Take from_arena);
  bool wait_for_oldest();

  SlotArena& arena_;
  StreamEvents& events_;
  std::size_t batch_;
  mutable std::mutex lock_;
  std::map<Stream, Queue> queues_;
  StreamOrderStatistics statistics_;
};

}  // namespace klg::slots
