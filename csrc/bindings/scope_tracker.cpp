#include "scope_tracker.hpp"

#include <cstring>

#include "track_scope.hpp"

namespace py = pybind11;

namespace klg::bindings {
namespace {

constexpr std::size_t kFirstBuckets = 64;

// Both are exact str objects, so equality needs no Python code.
bool same_id(const TrackScope* scope, PyObject* id, Py_hash_t hash) noexcept {
  if (scope->hash != hash) return false;
  if (scope->id == id) return true;
  const Py_ssize_t length = PyUnicode_GET_LENGTH(id);
  const auto kind = PyUnicode_KIND(id);
  return PyUnicode_GET_LENGTH(scope->id) == length && PyUnicode_KIND(scope->id) == kind &&
         std::memcmp(PyUnicode_DATA(scope->id), PyUnicode_DATA(id),
                     static_cast<std::size_t>(length) * static_cast<std::size_t>(kind)) == 0;
}

}  // namespace

ScopeTracker::ScopeTracker() : buckets_(kFirstBuckets, nullptr) {}

void ScopeTracker::insert(TrackScope* scope) {
  if (open_ >= 2 * buckets_.size()) grow();
  TrackScope*& head = bucket(scope->hash);
  if (head != nullptr && find_from(head, scope->id, scope->hash) != nullptr) ++shadowed_;
  scope->next = head;
  scope->previous = &head;
  if (head != nullptr) head->previous = &scope->next;
  head = scope;

  scope->older = newest_;
  scope->newer = nullptr;
  (newest_ == nullptr ? oldest_ : newest_->newer) = scope;
  newest_ = scope;
  ++open_;
  ++entered_;
}

void ScopeTracker::erase(TrackScope* scope) noexcept {
  *scope->previous = scope->next;
  if (scope->next != nullptr) scope->next->previous = scope->previous;
  (scope->older == nullptr ? oldest_ : scope->older->newer) = scope->newer;
  (scope->newer == nullptr ? newest_ : scope->newer->older) = scope->older;
  scope->previous = nullptr;
  --open_;
  // Of k open scopes of one id, k - 1 are shadowed: one fewer if any is left.
  if (shadowed_ > 0 && find_from(bucket(scope->hash), scope->id, scope->hash) != nullptr) {
    --shadowed_;
  }
}

TrackScope* ScopeTracker::find(PyObject* id, Py_hash_t hash) const noexcept {
  return find_from(buckets_[static_cast<std::size_t>(hash) & (buckets_.size() - 1)], id, hash);
}

// New scopes go to the front of their bucket, so the first that fits is the newest.
TrackScope* ScopeTracker::find_from(TrackScope* scope, PyObject* id,
                                    Py_hash_t hash) const noexcept {
  while (scope != nullptr && !same_id(scope, id, hash)) scope = scope->next;
  return scope;
}

void ScopeTracker::grow() {
  buckets_.assign(4 * buckets_.size(), nullptr);
  for (TrackScope* scope = oldest_; scope != nullptr; scope = scope->newer) {
    TrackScope*& head = bucket(scope->hash);
    scope->next = head;
    scope->previous = &head;
    if (head != nullptr) head->previous = &scope->next;
    head = scope;
  }
}

std::vector<py::object> ScopeTracker::scopes(bool distinct) const {
  std::vector<py::object> out;
  out.reserve(open_);
  for (TrackScope* scope = oldest_; scope != nullptr; scope = scope->newer) {
    if (distinct && shadowed_ > 0 && find(scope->id, scope->hash) != scope) continue;
    out.push_back(py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(scope)));
  }
  return out;
}

}  // namespace klg::bindings
