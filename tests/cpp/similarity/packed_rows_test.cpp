#include "klg/similarity/packed_rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "similarity/scan_fixture.hpp"

namespace klg::similarity {
namespace {

using testing::Rows;

/// Keeps every candidate.
class Keeper final : public CandidateSink {
 public:
  Keeper() {
    next = buffer_.data();
    end = next + buffer_.size();
  }
  void drain() override {
    kept.insert(kept.end(), buffer_.data(), next);
    next = buffer_.data();
  }
  std::vector<Candidate> kept;

 private:
  std::array<Candidate, kMaxTile> buffer_;
};

TEST(PackedRows, GiveEstimatesWithinTheirSlack) {
  for (const std::size_t columns : {1u, 3u, 8u, 63u, 768u}) {
    const Rows rows = testing::random_rows(37, columns, static_cast<std::uint32_t>(columns));
    const WorkerTeam team(1);
    for (const Kernels* isa : testing::usable_kernels()) {
      const RowSet set(rows.matrix(), nullptr, "rows", *isa, team);
      for (const Filter filter : testing::usable_filters(*isa)) {
        for (const bool negated : {false, true}) {
          const PackedRows packed(set, {filter}, *isa, team);
          const LeftRows left(packed, 5, 30, negated);
          const std::vector<float> floors(whole_panels(48),
                                          -std::numeric_limits<float>::infinity());
          Keeper sink;
          isa->path(filter).scan({left.left(floors.data()), packed.right(0, 37, floors.data()),
                                  packed.steps(), packed.pad(), -48},
                                 sink);
          sink.drain();
          ASSERT_EQ(sink.kept.size(), 30u * 37u);
          for (const Candidate& candidate : sink.kept) {
            const std::size_t i = 5 + candidate.row;
            const std::size_t j = candidate.column;
            const double score = testing::oracle_score(rows, i, j);
            const double slack = packed.pad() + code_slack(packed.residual(i), packed.residual(j));
            ASSERT_NEAR(candidate.estimate, negated ? -score : score, slack) << isa->name;
          }
        }
      }
    }
  }
}

TEST(PackedRows, TellWhatQuantisationLost) {
  for (const float factor : {1.0f, 1e-30f, 1e30f}) {
    Rows rows = testing::random_rows(20, 100, 3);
    for (float& value : rows.values) value *= factor;
    for (const Kernels* isa : testing::usable_kernels()) {
      const int code_max = std::max(1, isa->codes.code_max);
      for (std::size_t i = 0; i < rows.count; ++i) {
        const double inverse =
            1.0 / std::sqrt(canonical_dot(rows.row(i), rows.row(i), rows.columns));
        std::array<std::int8_t, 100> codes;
        const Quantised quantised =
            isa->quantise(rows.row(i), rows.columns, inverse, code_max, codes.data());
        double lost = 0.0;
        int sum = 0;
        for (std::size_t k = 0; k < codes.size(); ++k) {
          ASSERT_LE(std::abs(int{codes[k]}), code_max);
          const double difference = static_cast<double>(rows.row(i)[k]) * inverse -
                                    static_cast<double>(quantised.scale) * codes[k];
          lost += difference * difference;
          sum += codes[k];
        }
        EXPECT_EQ(quantised.sum, sum);
        EXPECT_GE(quantised.residual, std::sqrt(lost)) << isa->name;
        EXPECT_NEAR(quantised.residual, std::sqrt(lost), 3e-5) << isa->name;
      }
    }
  }
}

TEST(PackedRows, TellWhatRoundingToHalvesLost) {
  for (const float factor : {1.0f, 1e-30f, 1e30f}) {
    Rows rows = testing::random_rows(20, 99, 4);
    for (float& value : rows.values) value *= factor;
    for (std::size_t i = 0; i < rows.count; ++i) rows.values[i * 99 + i] = factor * 1e-7f;
    for (const Kernels* isa : testing::usable_kernels()) {
      for (std::size_t i = 0; i < rows.count; ++i) {
        const double inverse =
            1.0 / std::sqrt(canonical_dot(rows.row(i), rows.row(i), rows.columns));
        std::array<std::uint32_t, 50> words{};
        const float residual = isa->round_halves(rows.row(i), rows.columns, inverse, words.data());
        double lost = 0.0;
        for (std::size_t k = 0; k < rows.columns; ++k) {
          const std::uint32_t half = words[k / 2] >> (16 * (k % 2)) << 16;
          const double difference = static_cast<double>(rows.row(i)[k]) * inverse -
                                    static_cast<double>(std::bit_cast<float>(half));
          ASSERT_LE(std::abs(difference), std::abs(rows.row(i)[k] * inverse) * 0x1.01p-8);
          lost += difference * difference;
        }
        EXPECT_EQ(words[49] >> 16, 0u);
        EXPECT_GE(residual, std::sqrt(lost)) << isa->name;
        EXPECT_NEAR(residual, std::sqrt(lost), 1e-5) << isa->name;
      }
    }
  }
}

TEST(Kernels, InterleaveSixteenRows) {
  for (const std::size_t steps : {0u, 1u, 16u, 37u}) {
    std::vector<std::uint32_t> rows(16 * steps);
    for (std::size_t k = 0; k < rows.size(); ++k) rows[k] = static_cast<std::uint32_t>(k);
    for (const Kernels* isa : testing::usable_kernels()) {
      std::vector<std::uint32_t> panel(16 * steps);
      isa->interleave(rows.data(), steps, panel.data());
      for (std::size_t r = 0; r < 16; ++r) {
        for (std::size_t step = 0; step < steps; ++step) {
          ASSERT_EQ(panel[step * 16 + r], rows[r * steps + step]) << isa->name;
        }
      }
    }
  }
}

}  // namespace
}  // namespace klg::similarity
