#include "bindings.hpp"
#include "lru_cache.hpp"

namespace py = pybind11;

namespace klg::bindings {

void bind_cache(py::module_& parent) {
  py::module_ m = parent.def_submodule("cache", "Bounded caches.");
  py::object type = py::reinterpret_steal<py::object>(make_lru_cache_type());
  if (!type) throw py::error_already_set();
  m.attr("LRUCache") = type;
}

}  // namespace klg::bindings
