#include "pymem/object_classifier.hpp"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstring>

namespace klg::pymem {
namespace {

using sampling::BlockKind;

constexpr std::size_t kFreeListTuple = 20;  // longest tuple that has a free list
constexpr std::size_t kCollectorHead = 16;  // two words in front of every container

std::size_t tuple_size(std::size_t items) noexcept {
  return kCollectorHead + offsetof(PyTupleObject, ob_item) + items * sizeof(PyObject*);
}

const PyTypeObject* type_at(const void* block, std::size_t offset) noexcept {
  const PyTypeObject* type;
  std::memcpy(&type, static_cast<const char*>(block) + offset + offsetof(PyObject, ob_type),
              sizeof type);
  return type;
}

}  // namespace

bool ObjectClassifier::plausible(std::size_t size) const noexcept {
  return size == sizeof(PyFloatObject) || size == kCollectorHead + sizeof(PyListObject) ||
         size == kCollectorHead + sizeof(PyDictObject) ||
         (size >= tuple_size(1) && size <= tuple_size(kFreeListTuple) &&
          size % sizeof(PyObject*) == 0);
}

BlockKind ObjectClassifier::classify(const void* block, std::size_t size) const noexcept {
  // The word may be anything while the block is being filled; it is compared and never followed.
  if (size == sizeof(PyFloatObject)) {
    return type_at(block, 0) == &PyFloat_Type ? BlockKind::kRecycled : BlockKind::kUnknown;
  }
  const PyTypeObject* type = type_at(block, kCollectorHead);
  const bool recycled = type == &PyTuple_Type || type == &PyList_Type || type == &PyDict_Type;
  return recycled ? BlockKind::kRecycled : BlockKind::kUnknown;
}

}  // namespace klg::pymem
