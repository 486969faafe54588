#include "klg/similarity/packed_rows.hpp"

#include <gtest/gtest.h>

#include <array>
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
          const auto kernel = filter == Filter::codes ? isa->scan_codes : isa->scan_floats;
          kernel({left.left(floors.data()), packed.right(16, 21, floors.data()), packed.steps(),
                  packed.pad(), -48},
                 sink);
          sink.drain();
          ASSERT_EQ(sink.kept.size(), 30u * 21u);
          for (const Candidate& candidate : sink.kept) {
            const std::size_t i = 5 + candidate.row;
            const std::size_t j = 16 + candidate.column;
            const double score = testing::oracle_score(rows, i, j);
            double slack = packed.pad();
            if (filter == Filter::codes)
              slack += code_slack(packed.residual(i), packed.residual(j));
            ASSERT_NEAR(candidate.estimate, negated ? -score : score, slack) << isa->name;
          }
        }
      }
    }
  }
}

TEST(PackedRows, TellWhatQuantisationLost) {
  const Rows rows = testing::random_rows(20, 100, 3);
  for (const Kernels* isa : testing::usable_kernels()) {
    for (std::size_t i = 0; i < rows.count; ++i) {
      const double inverse = 1.0 / std::sqrt(canonical_dot(rows.row(i), rows.row(i), rows.columns));
      std::array<std::int8_t, 100> codes;
      const Quantised quantised = isa->quantise(rows.row(i), rows.columns, inverse, codes.data());
      double lost = 0.0;
      int sum = 0;
      for (std::size_t k = 0; k < codes.size(); ++k) {
        ASSERT_LE(std::abs(int{codes[k]}), kCodeMax);
        const double difference = static_cast<double>(rows.row(i)[k]) * inverse -
                                  static_cast<double>(quantised.scale) * codes[k];
        lost += difference * difference;
        sum += codes[k];
      }
      EXPECT_EQ(quantised.sum, sum);
      EXPECT_GE(quantised.residual, std::sqrt(lost));
      EXPECT_NEAR(quantised.residual, std::sqrt(lost), 1e-6);
    }
  }
}

}  // namespace
}  // namespace klg::similarity
