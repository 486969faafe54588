#include <pybind11/stl.h>

#include "bindings.hpp"
#include "klg/slots/slot_benchmark.hpp"
#include "klg/slots/slot_fuzz.hpp"
#include "slot_pool.hpp"

namespace py = pybind11;

namespace klg::bindings {
namespace {

py::object own(PyObject* type) {
  if (type == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(type);
}

}  // namespace

void bind_slots(py::module_& parent) {
  py::module_ m = parent.def_submodule("slots", "Fixed-size rows behind checked handles.");
  m.attr("SlotPool") = own(make_slot_pool_type());
  m.attr("SlotView") = own(make_slot_view_type());
  m.def(
      "benchmark_pairs",
      [](const std::string& allocator, unsigned threads, std::uint64_t pairs) {
        py::gil_scoped_release unlocked;
        return slots::benchmark_pairs(allocator, threads, pairs);
      },
      py::arg("allocator"), py::arg("threads"), py::arg("pairs"),
      "CPU nanoseconds a pair of free and allocate, on pinned threads that hold 64 slots each.\n\n"
      "The allocator is one of `benchmark_allocators`.");
  m.def("benchmark_allocators", &slots::benchmark_allocators,
        "Names for `benchmark_pairs`: 'arena' and every peer that this build and machine have.");
  m.def(
      "fuzz",
      [](std::uint64_t operations, std::uint64_t seed) {
        py::gil_scoped_release unlocked;
        const slots::FuzzCounts counts = slots::fuzz(operations, seed);
        return std::tuple(counts.misuses, counts.caught, counts.errors);
      },
      py::arg("operations"), py::arg("seed"),
      "Random operations beside a model: misuses of dead handles, how many were caught, errors.");
}

}  // namespace klg::bindings
