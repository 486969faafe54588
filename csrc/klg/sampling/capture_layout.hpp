#pragma once

#include <atomic>
#include <cstdint>

#include "klg/sampling/block_classifier.hpp"

// What a sampler leaves in memory for a reader, in this process or in another one that has mapped
// the same pages. It stays readable whatever becomes of the writer: every record is either
// published by a counter or guarded by a version, and the reader takes no lock.
namespace klg::sampling {

inline constexpr std::uint64_t kCaptureMagic = 0x32'50'41'43'47'4c'4bu;  // "KLGCAP2"
inline constexpr std::uint32_t kMaxSamples = 1u << 15;
// A teardown of everything fits, between two looks of a reader.
inline constexpr std::uint32_t kMaxDeaths = kMaxSamples;
inline constexpr std::uint32_t kMaxNodes = 1u << 16;
inline constexpr std::uint32_t kMaxCodes = 1u << 14;
inline constexpr std::uint32_t kMaxText = 1u << 21;

enum class CaptureState : std::uint32_t { kEmpty = 0, kRunning = 1, kEnded = 2 };

/// Totals; each is written under the recorder's lock and may be read at any time.
struct CaptureHeader {
  std::atomic<std::uint64_t> magic;
  std::atomic<CaptureState> state;
  std::atomic<std::int64_t> start_ns;  ///< CLOCK_MONOTONIC, one clock for all processes
  std::atomic<std::int64_t> end_ns;
  std::atomic<double> mean_bytes;             ///< the present one
  std::atomic<double> allocated_bytes;        ///< sum of the weights
  std::atomic<double> allocated_variance;     ///< of that sum, estimated
  std::atomic<double> expected_points;        ///< sum of weight / mean
  std::atomic<std::uint64_t> samples;         ///< allocations that were sampled
  std::atomic<std::uint64_t> points;          ///< points that fell into them
  std::atomic<std::uint64_t> live;            ///< samples not freed yet
  std::atomic<std::uint64_t> freed;           ///< samples that were freed
  std::atomic<std::uint64_t> thinned;         ///< samples given up when the mean was widened
  std::atomic<std::uint64_t> replaced;        ///< samples whose free was never seen
  std::atomic<std::uint64_t> dropped;         ///< samples lost because the table was full
  std::atomic<std::uint64_t> dropped_stacks;  ///< samples without a stack because a table was full
  std::atomic<std::uint64_t> self_ns;         ///< time spent on taking and dropping samples
  std::atomic<std::uint64_t> deaths;          ///< deaths ever logged
  std::atomic<std::uint32_t> slots;           ///< slots ever used
  std::atomic<std::uint32_t> nodes;
  std::atomic<std::uint32_t> codes;
  std::atomic<std::uint32_t> text;
  std::atomic<std::uint32_t> process;  ///< id of the process that writes
  std::atomic<double> allocations;     ///< how many there were, estimated: the sum of 1 / chance
  std::atomic<double> hook_ns;  ///< measured cost of the hooks an allocation, without samples
  std::atomic<std::uint32_t>
      native_mode;  ///< how C allocations are seen: 0 not, 1 imports, 2 preload
  std::atomic<double> first_mean_bytes;     ///< the one that was asked for
  std::atomic<double> budget;               ///< what the guard holds; 0 where there is none
  std::atomic<std::uint32_t> cost_widened;  ///< times the mean was widened because of the cost
  std::atomic<std::uint32_t> room_widened;  ///< times it was because the table was nearly full
  std::atomic<std::uint64_t> c_heap_used;   ///< bytes that the C library has handed out
  std::atomic<std::uint64_t> c_heap_free;   ///< bytes that it holds for later
  std::atomic<std::int64_t> c_heap_ns;      ///< when these two were read; 0 for never
  std::atomic<std::uint32_t> narrowed;      ///< times the mean was lowered because of a suspicion
  std::atomic<std::int64_t> narrowed_ns;    ///< when that was last, since the start; 0 for never
  std::atomic<double> coarsest_mean_bytes;  ///< of all that have been in force
};

/// A live sample. Valid if `version` is even, the same before and after reading, and `address` set.
struct SampleSlot {
  std::atomic<std::uint32_t> version;
  std::atomic<std::uint32_t> node;
  std::atomic<std::uint64_t> address;
  std::atomic<std::int64_t> birth_ns;  ///< since the start
  std::atomic<std::uint64_t> size;
  std::atomic<float> mean;   ///< under which it was taken, or to which it was thinned since
  std::atomic<float> reach;  ///< the coarsest mean at which this would be a sample too
  std::atomic<BlockKind> kind;
};

/// The death of a sample that had grown old, in a ring of which `CaptureHeader::deaths` is the
/// head.
struct DeathRecord {
  std::atomic<std::int64_t> birth_ns;
  std::atomic<std::int64_t> death_ns;
  std::atomic<std::uint64_t> size;
  std::atomic<std::uint32_t> node;
  std::atomic<float> mean;
  std::atomic<float> reach;
  std::atomic<BlockKind> kind;
};

/// A call stack is a path to the root, node 0; the innermost call is the node that names it.
struct StackNode {
  std::uint32_t parent;
  std::uint32_t code;
  std::int32_t line;
};

/// What a stack has allocated since the start, estimated; written under the recorder's lock.
struct StackTotal {
  std::atomic<double> allocations;
  std::atomic<double> bytes;
};

/// File and function of a code object, in `Capture::text`.
struct CodeName {
  std::uint32_t file;
  std::uint32_t file_length;
  std::uint32_t function;
  std::uint32_t function_length;
};

struct Capture {
  CaptureHeader header;
  SampleSlot samples[kMaxSamples];
  DeathRecord deaths[kMaxDeaths];
  StackNode nodes[kMaxNodes];
  StackTotal totals[kMaxNodes];  ///< by node
  CodeName codes[kMaxCodes];
  char text[kMaxText];
};

}  // namespace klg::sampling
