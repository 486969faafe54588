#include <pybind11/stl.h>

#include <string>
#include <string_view>
#include <vector>

#include "fastcall.hpp"
#include "klg/core/clock.hpp"
#include "klg/core/error.hpp"
#include "klg/registry/allocation_registry.hpp"
#include "klg/registry/pair_benchmark.hpp"

namespace py = pybind11;

namespace klg::bindings {
namespace {

using registry::AllocationRegistry;
using registry::Handle;
using registry::LiveRecord;
using registry::SiteStatistics;
using registry::Totals;

// An argument as an unsigned integer; false with a Python error set.
template <class T>
bool to_unsigned(PyObject* object, const char* name, T& out) noexcept {
  // Not PyLong_AsUnsignedLongLong, which goes through an array of bytes.
  static_assert(sizeof(unsigned long) == sizeof(std::uint64_t));
  const unsigned long value = PyLong_AsUnsignedLong(object);
  if (value == static_cast<unsigned long>(-1) && PyErr_Occurred() != nullptr) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
      PyErr_Format(PyExc_TypeError, "%s: expected an int, got %.100s", name,
                   Py_TYPE(object)->tp_name);
    } else {
      PyErr_Format(PyExc_OverflowError, "%s: expected 0 to 2**%d - 1, got %R", name,
                   static_cast<int>(8 * sizeof(T)), object);
    }
    return false;
  }
  out = static_cast<T>(value);
  if (out != value) {
    PyErr_Format(PyExc_OverflowError, "%s: expected 0 to 2**%d - 1, got %R", name,
                 static_cast<int>(8 * sizeof(T)), object);
    return false;
  }
  return true;
}

PyObject* record(PyObject* self, PyObject* const* arguments, Py_ssize_t count) noexcept {
  auto* table = native<AllocationRegistry>(self);
  if (table == nullptr) return nullptr;
  if (count < 2 || count > 3) {
    PyErr_Format(PyExc_TypeError, "record: expected (site, size[, stack]), got %zd arguments",
                 count);
    return nullptr;
  }
  registry::SiteId site = registry::kOtherSites;
  registry::StackId stack = registry::kNoStack;
  std::uint64_t size = 0;
  if (!to_unsigned(arguments[0], "site", site) || !to_unsigned(arguments[1], "size", size) ||
      (count == 3 && !to_unsigned(arguments[2], "stack", stack))) {
    return nullptr;
  }
  return PyLong_FromUnsignedLongLong(table->record(site, size, stack).bits());
}

PyObject* release(PyObject* self, PyObject* argument) noexcept {
  auto* table = native<AllocationRegistry>(self);
  std::uint64_t bits = 0;
  if (table == nullptr || !to_unsigned(argument, "handle", bits)) return nullptr;
  const registry::Release result = table->release(Handle(bits));
  if (result != registry::Release::stale) {
    return PyBool_FromLong(result == registry::Release::released);
  }
  try {
    const py::object errors = py::module_::import("kimera_leakguard_native.errors");
    PyErr_Format(errors.attr("StaleHandle").ptr(),
                 "handle %llu: released before, or never given out by this registry",
                 static_cast<unsigned long long>(bits));
  } catch (py::error_already_set& error) {
    error.restore();
  }
  return nullptr;
}

PyMethodDef record_method = {
    "record", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(record)), METH_FASTCALL,
    "record(self, site: int, size: int, stack: int = 0, /) -> int\n\n"
    "Record an allocation of `size` bytes; the handle is 0 where the cap is reached."};
PyMethodDef release_method = {
    "release", release, METH_O,
    "release(self, handle: int, /) -> bool\n\n"
    "Release a record; False for handle 0. Raises StaleHandle for any other that is not live."};

py::typing::List<py::typing::Tuple<int, int, int, int, int>> snapshot(const AllocationRegistry& r) {
  std::vector<LiveRecord> records;
  {
    py::gil_scoped_release unlocked;
    records = r.snapshot();
  }
  py::list out(records.size());
  for (std::size_t k = 0; k < records.size(); ++k) {
    const LiveRecord& record = records[k];
    out[k] = py::make_tuple(record.handle.bits(), record.site, record.stack, record.size,
                            record.born_ns);
  }
  return out;
}

std::vector<SiteStatistics> sites(const AllocationRegistry& r) {
  py::gil_scoped_release unlocked;
  return r.sites();
}

py::object lookup(const AllocationRegistry& r, std::uint64_t handle) {
  const auto record = r.lookup(Handle(handle));
  if (!record) return py::none();
  return py::make_tuple(handle, record->site, record->stack, record->size, record->born_ns);
}

py::typing::Tuple<registry::FrameId, py::ellipsis> frames(const AllocationRegistry& r,
                                                          registry::StackId stack) {
  const auto ids = r.frames(stack);
  py::tuple out(ids.size());
  for (std::size_t k = 0; k < ids.size(); ++k) out[k] = ids[k];
  return out;
}

registry::PairTimes benchmark_pairs(std::uint32_t threads, std::uint64_t pairs,
                                    std::uint32_t window, bool same_site) {
  py::gil_scoped_release unlocked;
  return registry::time_pairs(threads, pairs, window, same_site);
}

void bind_results(py::module_& m) {
  py::class_<SiteStatistics>(m, "SiteStatistics", "What one site has allocated; sizes in bytes.")
      .def_readonly("site", &SiteStatistics::site)
      .def_readonly("live_bytes", &SiteStatistics::live_bytes)
      .def_readonly("live_count", &SiteStatistics::live_count)
      .def_readonly("total_bytes", &SiteStatistics::total_bytes)
      .def_readonly("total_count", &SiteStatistics::total_count)
      .def_readonly("high_water_bytes", &SiteStatistics::high_water_bytes)
      .def_readonly("oldest_born_ns", &SiteStatistics::oldest_born_ns);
  py::class_<Totals>(m, "Totals", "Sums over all sites, and everything that was refused.")
      .def_readonly("live_bytes", &Totals::live_bytes)
      .def_readonly("live_count", &Totals::live_count)
      .def_readonly("total_bytes", &Totals::total_bytes)
      .def_readonly("total_count", &Totals::total_count)
      .def_readonly("dropped_records", &Totals::dropped_records)
      .def_readonly("dropped_bytes", &Totals::dropped_bytes)
      .def_readonly("dropped_sites", &Totals::dropped_sites)
      .def_readonly("dropped_stacks", &Totals::dropped_stacks)
      .def_readonly("stale_releases", &Totals::stale_releases)
      .def_readonly("retired_slots", &Totals::retired_slots);
  py::class_<registry::PairTimes>(m, "PairTimes", "What a run of record and release pairs took.")
      .def_readonly("wall_s", &registry::PairTimes::wall_s)
      .def_readonly("cpu_s", &registry::PairTimes::cpu_s)
      .def_readonly("pinned", &registry::PairTimes::pinned)
      .def_readonly("totals", &registry::PairTimes::totals);
}

}  // namespace

void bind_registry(py::module_& parent) {
  py::module_ m = parent.def_submodule("registry", "A sharded table of live allocations.");
  bind_results(m);
  const registry::Limits defaults;
  py::class_<AllocationRegistry> type(m, "AllocationRegistry",
                                      "A sharded table of live allocations.");
  type.def(py::init([](std::uint32_t records, std::uint32_t sites_, std::uint32_t stacks,
                       std::size_t frames_, std::size_t name_bytes, std::uint32_t shards) {
             return std::make_unique<AllocationRegistry>(
                 registry::Limits{records, sites_, stacks, frames_, name_bytes, shards});
           }),
           py::kw_only(), py::arg("records") = defaults.records, py::arg("sites") = defaults.sites,
           py::arg("stacks") = defaults.stacks, py::arg("frames") = defaults.frames,
           py::arg("name_bytes") = defaults.name_bytes, py::arg("shards") = defaults.shards)
      .def("intern_site", &AllocationRegistry::site, py::arg("name"),
           "The id of a site; 0 where the table is full.")
      .def("site_name", &AllocationRegistry::site_name, py::arg("site"),
           "The name of a site; '' for 0 and unknown ids.")
      .def(
          "intern_stack",
          [](AllocationRegistry& r, const std::vector<registry::FrameId>& stack) {
            return r.stack(stack);
          },
          py::arg("frames"), "The id of a call stack; 0 where it is empty or the table is full.")
      .def("stack_frames", &frames, py::arg("stack"), "The frames of a stack, as given.")
      .def("lookup", &lookup, py::arg("handle"),
           "(handle, site, stack, size, born_ns), or None where the handle is not live.")
      .def("snapshot", &snapshot, "(handle, site, stack, size, born_ns) of every live record.")
      .def("sites", &sites, "Statistics of every site that has ever recorded, by id.")
      .def("totals", &AllocationRegistry::totals, "Sums over all sites.");
  add_fast_method(type, record_method);
  add_fast_method(type, release_method);
  m.def("clock_ns", &coarse_monotonic_ns, "The clock of `born_ns`.");
  m.def("benchmark_pairs", &benchmark_pairs, py::arg("threads"), py::arg("pairs"),
        py::arg("window") = 64, py::arg("same_site") = false,
        "Time threads that each record and release `pairs` times, pinned to cores of their own.");
}

}  // namespace klg::bindings
