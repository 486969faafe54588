#include "pymem/object_classifier.hpp"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <algorithm>
#include <cstring>

namespace klg::pymem {
namespace {

using sampling::BlockKind;

constexpr std::size_t kFreeListTuple = 20;  // longest tuple that has a free list
constexpr std::size_t kCollectorHead = 16;  // two words in front of every container

constexpr std::size_t kLongestName = 40;

std::size_t context_size() noexcept {
  return kCollectorHead + static_cast<std::size_t>(PyContext_Type.tp_basicsize);
}

bool can_be_name(std::size_t size) noexcept {
  return size > sizeof(PyASCIIObject) + 1 && size <= sizeof(PyASCIIObject) + kLongestName + 1;
}

std::size_t tuple_size(std::size_t items) noexcept {
  return kCollectorHead + offsetof(PyTupleObject, ob_item) + items * sizeof(PyObject*);
}

const PyTypeObject* type_at(const void* block, std::size_t offset) noexcept {
  const PyTypeObject* type;
  std::memcpy(&type, static_cast<const char*>(block) + offset + offsetof(PyObject, ob_type),
              sizeof type);
  return type;
}

/// Whether a block holds a string that can be the name of an attribute in C code: lower-case
/// letters and underscores. C code that looks one up by a C string makes it anew each time, and the
/// cache of type lookups, 4096 slots chosen by address, keeps it: not a leak of the line that
/// called.
bool is_name(const void* block, std::size_t size) noexcept {
  PyASCIIObject head;
  std::memcpy(&head, block, sizeof head);
  if (head.ob_base.ob_type != &PyUnicode_Type || head.length < 1 || !head.state.compact ||
      !head.state.ascii || sizeof head + static_cast<std::size_t>(head.length) + 1 != size) {
    return false;
  }
  const char* text = static_cast<const char*>(block) + sizeof head;
  return std::all_of(text, text + head.length,
                     [](char letter) { return (letter >= 'a' && letter <= 'z') || letter == '_'; });
}

}  // namespace

bool ObjectClassifier::plausible(std::size_t size) const noexcept {
  return size == sizeof(PyFloatObject) || size == kCollectorHead + sizeof(PyListObject) ||
         size == kCollectorHead + sizeof(PyDictObject) || size == context_size() ||
         can_be_name(size) ||
         (size >= tuple_size(1) && size <= tuple_size(kFreeListTuple) &&
          size % sizeof(PyObject*) == 0);
}

BlockKind ObjectClassifier::classify(const void* block, std::size_t size) const noexcept {
  // The word may be anything while the block is being filled; it is compared and never followed.
  if (size == sizeof(PyFloatObject)) {
    return type_at(block, 0) == &PyFloat_Type ? BlockKind::kRecycled : BlockKind::kUnknown;
  }
  if (can_be_name(size) && is_name(block, size)) return BlockKind::kRecycled;
  const PyTypeObject* type = type_at(block, kCollectorHead);
  const bool recycled = type == &PyTuple_Type || type == &PyList_Type || type == &PyDict_Type ||
                        type == &PyContext_Type;
  return recycled ? BlockKind::kRecycled : BlockKind::kUnknown;
}

}  // namespace klg::pymem
