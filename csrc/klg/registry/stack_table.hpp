#pragma once

#include <cstdint>

#include "klg/registry/sequence_table.hpp"

namespace klg::registry {

/// Whatever names one frame of a call to the caller: the table only compares it.
using FrameId = std::uint64_t;

/// Interned call stacks, innermost frame first.
using StackTable = SequenceTable<FrameId>;
using StackId = std::uint32_t;

/// Interned names of allocation sites.
using SiteTable = SequenceTable<char>;
using SiteId = std::uint32_t;

/// A stack that is not known: none was given, or the table is full.
inline constexpr StackId kNoStack = 0;

/// The site that stands for all those that found no room in the table.
inline constexpr SiteId kOtherSites = 0;

}  // namespace klg::registry
