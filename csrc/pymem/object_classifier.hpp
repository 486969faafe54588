#pragma once

#include "klg/sampling/block_classifier.hpp"

namespace klg::pymem {

/// Tells floats, lists, dicts, short tuples, contexts and plain names from everything else.
class ObjectClassifier final : public sampling::BlockClassifier {
 public:
  [[nodiscard]] bool plausible(std::size_t size) const noexcept override;
  [[nodiscard]] sampling::BlockKind classify(const void* block,
                                             std::size_t size) const noexcept override;
};

}  // namespace klg::pymem
