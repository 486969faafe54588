#include "item_type.hpp"

#include <string>
#include <string_view>

#include "dlpack.hpp"

namespace klg::bindings {
namespace {

constexpr ItemType kItemTypes[] = {
    {"float32", "f", 4, dlpack::kFloat},   {"float16", "e", 2, dlpack::kFloat},
    {"float64", "d", 8, dlpack::kFloat},   {"int8", "b", 1, dlpack::kInt},
    {"uint8", "B", 1, dlpack::kUnsigned},  {"int16", "h", 2, dlpack::kInt},
    {"uint16", "H", 2, dlpack::kUnsigned}, {"int32", "i", 4, dlpack::kInt},
    {"uint32", "I", 4, dlpack::kUnsigned}, {"int64", "q", 8, dlpack::kInt},
    {"uint64", "Q", 8, dlpack::kUnsigned}, {"bool", "?", 1, dlpack::kBool},
};

}  // namespace

const ItemType* parse_item_type(PyObject* dtype) {
  if (dtype == nullptr) return &kItemTypes[0];
  PyObject* name = nullptr;
  if (PyUnicode_Check(dtype)) {
    name = Py_NewRef(dtype);
  } else if (PyType_Check(dtype)) {
    name = PyObject_GetAttrString(dtype, "__name__");
  } else if (PyObject_HasAttrString(dtype, "name")) {
    name = PyObject_GetAttrString(dtype, "name");
  } else {
    name = PyObject_Str(dtype);
  }
  if (name == nullptr) return nullptr;
  const char* text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : "";
  if (text == nullptr) {
    Py_DECREF(name);
    return nullptr;
  }
  std::string_view wanted(text);
  if (wanted.starts_with("torch.")) wanted.remove_prefix(6);
  const ItemType* found = nullptr;
  for (const ItemType& item : kItemTypes) {
    if (wanted == item.name) found = &item;
  }
  if (found == nullptr) {
    std::string known;
    for (const ItemType& item : kItemTypes)
      known += std::string(known.empty() ? "" : ", ") + item.name;
    PyErr_Format(PyExc_ValueError, "dtype: expected one of %s; got %R", known.c_str(), dtype);
  }
  Py_DECREF(name);
  return found;
}

}  // namespace klg::bindings
