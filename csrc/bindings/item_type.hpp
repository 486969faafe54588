#pragma once

#include <Python.h>

#include <cstdint>

namespace klg::bindings {

/// What the rows of a pool hold: numpy's name, the letter of the buffer protocol, bytes.
struct ItemType {
  const char* name;
  const char* format;
  Py_ssize_t size;
  std::uint8_t code;  ///< DLPack's.
};

/// The type that 'float32', numpy.float32, numpy.dtype('float32') and torch.float32 alike mean;
/// float32 for null. Null with ValueError set where there is none.
const ItemType* parse_item_type(PyObject* dtype);

}  // namespace klg::bindings
