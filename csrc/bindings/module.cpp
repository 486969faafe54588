#include "bindings.hpp"

PYBIND11_MODULE(_core, m) {
  m.doc() = "Native parts of kimera-leakguard. Private: use the Python faces above it.";
  klg::bindings::register_exceptions(m);
  klg::bindings::bind_build(m);
  klg::bindings::bind_cache(m);
  klg::bindings::bind_cuda(m);
  klg::bindings::bind_registry(m);
  klg::bindings::bind_sampler(m);
  klg::bindings::bind_scopes(m);
  klg::bindings::bind_similarity(m);
  klg::bindings::bind_slots(m);
}
