#include "klg/similarity/packed_index.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <unordered_set>

namespace klg::similarity {
namespace {

constexpr std::size_t kZero = static_cast<std::size_t>(-1);

}  // namespace

PackedIndex::PackedIndex(std::size_t columns, FilterSettings settings, const Kernels& kernels)
    : columns_(columns), kernels_(kernels), rows_(columns), packed_(columns, settings, kernels) {}

Matrix PackedIndex::matrix() const noexcept {
  return {values_.data(), rows_.size(), columns_, static_cast<std::ptrdiff_t>(columns_)};
}

std::vector<std::int64_t> PackedIndex::add(const Matrix& matrix, const WorkerTeam& team) {
  const RowSet added(matrix, nullptr, "x", kernels_, team);
  const std::size_t before = rows_.size();
  std::vector<std::int64_t> ids(matrix.rows);
  for (std::size_t i = 0; i < matrix.rows; ++i) ids[i] = next_id_ + static_cast<std::int64_t>(i);
  try {
    if (values_.capacity() < (before + added.size()) * columns_) {
      values_.reserve(std::max(before + added.size(), before + before / 2) * columns_);
    }
    members_.reserve(members_.size() + matrix.rows);
    for (const std::int64_t id : ids) members_.emplace(id, kZero);
    for (std::size_t k = 0; k < added.size(); ++k) {
      const std::int64_t id = ids[added.place(k)];
      members_[id] = rows_.size();
      values_.insert(values_.end(), added.row(k), added.row(k) + columns_);
      rows_.append(id, added.square(k));
    }
    rows_.rebase(this->matrix());
    packed_.update(rows_, before, team);
  } catch (...) {
    while (rows_.size() > before) rows_.remove(rows_.size() - 1);
    values_.resize(before * columns_);
    rows_.rebase(this->matrix());
    for (const std::int64_t id : ids) members_.erase(id);
    throw;
  }
  next_id_ += static_cast<std::int64_t>(matrix.rows);
  return ids;
}

void PackedIndex::remove(std::span<const std::int64_t> ids) {
  std::unordered_set<std::int64_t> distinct;
  for (const std::int64_t id : ids) {
    if (!holds(id) || !distinct.insert(id).second) {
      throw std::out_of_range("id " + std::to_string(id) + " is not held, or named twice");
    }
  }
  for (const std::int64_t id : ids) {
    const auto found = members_.find(id);
    const std::size_t member = found->second;
    members_.erase(found);
    if (member != kZero) remove_member(member);
  }
}

void PackedIndex::remove_member(std::size_t member) noexcept {
  const std::size_t last = rows_.size() - 1;
  if (member != last) {
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(last * columns_), columns_,
                values_.begin() + static_cast<std::ptrdiff_t>(member * columns_));
    members_.find(rows_.id(last))->second = member;
  }
  values_.resize(last * columns_);
  rows_.remove(member);
  rows_.rebase(matrix());
  packed_.remove(member);
}

std::vector<std::int64_t> PackedIndex::ids() const {
  std::vector<std::int64_t> result;
  result.reserve(members_.size());
  for (const auto& [id, member] : members_) result.push_back(id);
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace klg::similarity
