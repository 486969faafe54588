#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace klg::sampling {

/// Says quickly that an address is certainly not that of a sample.
///
/// One hashed bit an address; counters beside the bits, touched only when samples come and go, tell
/// when a bit can be cleared. Two tables: with few samples the first one answers, and its 512 bytes
/// leave the first-level cache to the program; with many it is full and the second one answers. A
/// false hit costs a look into the exact table; their rate is below live samples / 131072.
/// `possible` may be called by any thread at any time, the others by one thread at a time.
class AddressFilter {
 public:
  [[nodiscard]] bool possible(const void* address) const noexcept {
    const std::uint64_t hash = hashed(address);
    return coarse_.test(hash) && fine_.test(hash);
  }

  void add(const void* address) noexcept {
    coarse_.add(hashed(address));
    fine_.add(hashed(address));
  }

  void remove(const void* address) noexcept {
    coarse_.remove(hashed(address));
    fine_.remove(hashed(address));
  }

  void clear() noexcept {
    coarse_.clear();
    fine_.clear();
  }

 private:
  template <unsigned kBits>
  class Table {
   public:
    [[nodiscard]] bool test(std::uint64_t hash) const noexcept {
      const std::size_t at = place(hash);
      return ((bits_[at >> 6].load(std::memory_order_relaxed) >> (at & 63)) & 1) != 0;
    }

    void add(std::uint64_t hash) noexcept {
      const std::size_t at = place(hash);
      if (counts_[at] != kSaturated) ++counts_[at];
      set(at, true);
    }

    void remove(std::uint64_t hash) noexcept {
      const std::size_t at = place(hash);
      // A saturated counter has lost count: its bit stays until everything is cleared.
      if (counts_[at] == kSaturated || --counts_[at] != 0) return;
      set(at, false);
    }

    void clear() noexcept {
      for (auto& word : bits_) word.store(0, std::memory_order_relaxed);
      for (auto& count : counts_) count = 0;
    }

   private:
    static constexpr std::uint8_t kSaturated = 255;

    static std::size_t place(std::uint64_t hash) noexcept {
      return static_cast<std::size_t>(hash >> (64 - kBits));
    }

    void set(std::size_t at, bool on) noexcept {
      const std::uint64_t mask = std::uint64_t{1} << (at & 63);
      const std::uint64_t word = bits_[at >> 6].load(std::memory_order_relaxed);
      bits_[at >> 6].store(on ? word | mask : word & ~mask, std::memory_order_relaxed);
    }

    std::atomic<std::uint64_t> bits_[(1u << kBits) / 64] = {};
    std::uint8_t counts_[1u << kBits] = {};
  };

  static std::uint64_t hashed(const void* address) noexcept {
    // Blocks are 16-byte aligned; the golden ratio spreads neighbours.
    return (reinterpret_cast<std::uintptr_t>(address) >> 4) * 0x9E3779B97F4A7C15u;
  }

  Table<12> coarse_;
  Table<17> fine_;
};

}  // namespace klg::sampling
