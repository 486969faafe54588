#include <pybind11/typing.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "array_view.hpp"
#include "bindings.hpp"
#include "klg/similarity/tension.hpp"
#include "similarity_arguments.hpp"

namespace klg::bindings {
namespace {

using similarity::ItemSets;
using similarity::MeanTension;
using similarity::Tension;
using similarity::WeightedTension;

/// Numbers the distinct items; equal ones, as Python sees it, get one number.
ItemSets item_sets(const py::typing::Iterable<py::typing::Iterable<py::object>>& owners) {
  const py::dict numbers;
  std::vector<std::vector<std::uint32_t>> of_owners;
  for (const py::handle owner : py::iter(owners)) {
    std::vector<std::uint32_t>& mine = of_owners.emplace_back();
    for (const py::handle item : py::iter(owner)) {
      const py::int_ next(PyDict_GET_SIZE(numbers.ptr()));
      const py::handle number =
          PyDict_SetDefault(numbers.ptr(), item.ptr(), next.ptr());  // borrowed
      if (!number) throw py::error_already_set();
      mine.push_back(static_cast<std::uint32_t>(PyLong_AsLong(number.ptr())));
    }
  }
  return {of_owners, numbers.size()};
}

/// Those of the pairs (i, j) that count, and their scores.
PairArrays pairs_above(const Tension& tension, const py::buffer& i, const py::buffer& j,
                       const py::buffer& cosine, const py::buffer& present) {
  const ArrayView<std::int64_t> left(i, "i", 1);
  const ArrayView<std::int64_t> right(j, "j", 1);
  const ArrayView<double> cosines(cosine, "cosine", 1);
  const ArrayView<bool> presents(present, "present", 1);
  const std::size_t count = left.size(0);
  if (right.size(0) != count || cosines.size(0) != count || presents.size(0) != count) {
    throw py::value_error("i, j, cosine and present: expected equal lengths");
  }
  std::vector<similarity::Pair> pairs;
  const auto geoids = static_cast<std::int64_t>(tension.geoids());
  for (std::size_t k = 0; k < count; ++k) {
    const std::int64_t a = left.data()[k];
    const std::int64_t b = right.data()[k];
    if (a < 0 || b < 0 || a >= geoids || b >= geoids) {
      throw py::index_error("pair " + std::to_string(k) + " names a geoid outside 0.." +
                            std::to_string(geoids - 1));
    }
    const double score = tension.score(static_cast<std::size_t>(a), static_cast<std::size_t>(b),
                                       cosines.data()[k], presents.data()[k] ? 1.0 : 0.0);
    if (tension.counts(score)) pairs.push_back({a, b, score});
  }
  return to_arrays(pairs, pairs.size());
}

}  // namespace

void bind_tension(py::module_& m) {
  py::class_<ItemSets>(m, "ItemSets",
                       "The hashable items of every owner, for counting what two share.")
      .def(py::init(&item_sets), py::arg("owners"));
  py::class_<Tension>(m, "Tension", "The composite score of two geoids.")
      .def("pairs_above", &pairs_above, py::arg("i"), py::arg("j"), py::arg("cosine"),
           py::arg("present"),
           "Those of the pairs (i, j) that count, with their scores, given their cosines and "
           "whether "
           "they have one.")
      .def("greatest_limit", &Tension::greatest_limit,
           "A cosine below which every pair lies that counts; above 1 where any may.");
  py::class_<MeanTension, Tension>(m, "MeanTension", "The mean of the terms, above the threshold.")
      .def(py::init<ItemSets, ItemSets, ItemSets, double>(), py::arg("features"), py::arg("keys"),
           py::arg("values"), py::arg("threshold"));
  py::class_<WeightedTension, Tension>(m, "WeightedTension",
                                       "The weighted terms, at the threshold or above.")
      .def(py::init<ItemSets, ItemSets, ItemSets, ItemSets, ItemSets, double>(),
           py::arg("features"), py::arg("keys"), py::arg("sides"), py::arg("strings"),
           py::arg("folded"), py::arg("threshold"));
}

}  // namespace klg::bindings
