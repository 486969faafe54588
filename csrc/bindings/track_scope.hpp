#pragma once

#include <Python.h>

#include <cstdint>

#include "scope_tracker.hpp"

namespace klg::bindings {

/// A scope of `with tracker.track_allocation(id, info)`: context manager, table entry, and what the
/// block sees of its allocation, in one object and one allocation of memory.
///
/// The table's links are borrowed references: a scope that is dropped while open leaves the table.
struct TrackScope {
  PyObject_HEAD vectorcallfunc call;  // enters without arguments, leaves with three
  PyObject* owner;                    // the tracker's Python object, kept alive
  ScopeTracker* tracker;              // inside owner
  PyObject* id;                       // exact str
  PyObject* info;                     // a mapping, or null
  PyObject* allocation;               // the MemoryAllocation, once somebody has looked
  std::int64_t entered_ns;
  Py_hash_t hash;
  std::uint32_t depth;  // entered and not yet left; the entry is in the table while above 0
  TrackScope* older;
  TrackScope* newer;
  TrackScope* next;       // in the bucket
  TrackScope** previous;  // what points here: the bucket, or the `next` of another
};

/// Creates the type; once, when the module is imported.
void register_track_scope(pybind11::module_& m);

/// A scope that has not been entered; null with a Python error set.
PyObject* new_scope(PyObject* owner, ScopeTracker& tracker, PyObject* id, PyObject* info) noexcept;

/// The scope's MemoryAllocation, built when first asked for; null with a Python error set.
PyObject* allocation_of(TrackScope* scope) noexcept;

}  // namespace klg::bindings
