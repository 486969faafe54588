#pragma once

#include <pybind11/pybind11.h>

namespace klg::bindings {

// One function a noun, each in its own bind_<noun>.cpp.
void register_exceptions(pybind11::module_& m);
void bind_build(pybind11::module_& m);
void bind_cache(pybind11::module_& m);
void bind_cuda(pybind11::module_& m);
void bind_dlpack(pybind11::module_& cuda);
void bind_registry(pybind11::module_& m);
void bind_sampler(pybind11::module_& m);
void bind_scopes(pybind11::module_& m);
void bind_similarity(pybind11::module_& m);
void bind_similarity_index(pybind11::module_& similarity);
void bind_slots(pybind11::module_& m);
void bind_tension(pybind11::module_& similarity);

}  // namespace klg::bindings
