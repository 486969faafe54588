#include <algorithm>
#include <mutex>

#include "bindings.hpp"
#include "klg/similarity/packed_index.hpp"
#include "klg/similarity/top_k.hpp"
#include "similarity_arguments.hpp"

namespace klg::bindings {
namespace {

using similarity::WorkerTeam;

/// A packed index behind a lock: calls of several threads come one after the other.
class PackedIndex {
 public:
  PackedIndex(std::size_t columns, const std::string& filter)
      : kernels_(similarity::kernels_from_environment()),
        columns_(columns),
        index_(columns, {similarity::available_filter(parse_filter(filter), columns, kernels_)},
               kernels_) {}

  py::array_t<std::int64_t> add(const py::buffer& x, unsigned threads) {
    const Rows rows(x, std::nullopt, "x");
    require_columns(rows, "x");
    const WorkerTeam team(threads, check_signals);
    std::vector<std::int64_t> ids;
    {
      const py::gil_scoped_release unlocked;
      const std::scoped_lock lock(mutex_);
      ids = index_.add(rows.matrix(), team);
    }
    return to_array(ids);
  }

  void remove(const py::buffer& ids) {
    const ArrayView<std::int64_t> view(ids, "ids", 1);
    const py::gil_scoped_release unlocked;
    const std::scoped_lock lock(mutex_);
    index_.remove({view.data(), view.size(0)});
  }

  [[nodiscard]] std::size_t size() {
    const py::gil_scoped_release unlocked;
    const std::scoped_lock lock(mutex_);
    return index_.size();
  }

  [[nodiscard]] bool holds(std::int64_t id) {
    const py::gil_scoped_release unlocked;
    const std::scoped_lock lock(mutex_);
    return index_.holds(id);
  }

  py::array_t<std::int64_t> ids() {
    std::vector<std::int64_t> result;
    {
      const py::gil_scoped_release unlocked;
      const std::scoped_lock lock(mutex_);
      result = index_.ids();
    }
    return to_array(result);
  }

  std::pair<PairArrays, bool> pairs(double threshold, bool below, unsigned threads,
                                    const std::optional<py::buffer>& queries,
                                    std::optional<std::size_t> max_pairs) {
    const WorkerTeam team(threads, check_signals);
    const std::optional<Rows> asking = query_rows(queries);
    std::vector<similarity::Pair> pairs;
    {
      const py::gil_scoped_release unlocked;
      const std::scoped_lock lock(mutex_);
      scan(threshold, below, asking, team, [&](similarity::PairScan& it) {
        while ((!max_pairs || pairs.size() <= *max_pairs) && it.next(team, pairs)) {
        }
      });
      // Members do not lie in the order of their ids, so the batches' orders do not add up to one.
      std::sort(pairs.begin(), pairs.end(),
                [](const auto& a, const auto& b) { return a.i != b.i ? a.i < b.i : a.j < b.j; });
    }
    const bool complete = !max_pairs || pairs.size() <= *max_pairs;
    return {to_arrays(pairs, complete ? pairs.size() : 0), complete};
  }

  std::uint64_t count(double threshold, bool below, unsigned threads) {
    const WorkerTeam team(threads, check_signals);
    const py::gil_scoped_release unlocked;
    const std::scoped_lock lock(mutex_);
    std::uint64_t found = 0;
    scan(threshold, below, std::nullopt, team,
         [&](similarity::PairScan& it) { found = it.count(team); });
    return found;
  }

  /// Indices and scores a row of `queries`, or a member; in the latter case the members' ids too.
  std::tuple<py::array_t<std::int64_t>, py::array_t<double>, py::array_t<std::int64_t>> top_k(
      std::size_t k, bool largest, unsigned threads, const std::optional<py::buffer>& queries) {
    const WorkerTeam team(threads, check_signals);
    const std::optional<Rows> asking = query_rows(queries);
    const similarity::TopKSettings settings{k, largest, std::nullopt};
    std::vector<std::int64_t> indices;
    std::vector<double> scores;
    std::vector<std::int64_t> members;
    std::size_t rows = 0;
    {
      const py::gil_scoped_release unlocked;
      const std::scoped_lock lock(mutex_);
      rows = asking ? asking->rows() : index_.rows().size();
      indices.resize(rows * k);
      scores.resize(rows * k);
      if (asking) {
        const similarity::RowSet left = asking->select(kernels_, team);
        similarity::top_k(left, index_.rows(), &index_.packed(), settings, kernels_, team,
                          indices.data(), scores.data());
      } else {
        similarity::top_k(index_.rows(), &index_.packed(), settings, kernels_, team, indices.data(),
                          scores.data());
        for (std::size_t row = 0; row < rows; ++row) members.push_back(index_.rows().id(row));
      }
    }
    const auto shape = {static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(k)};
    return {py::array_t<std::int64_t>(shape, indices.data()),
            py::array_t<double>(shape, scores.data()), to_array(members)};
  }

  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] const char* filter() const noexcept {
    return similarity::filter_name(index_.packed().filter());
  }

 private:
  static py::array_t<std::int64_t> to_array(const std::vector<std::int64_t>& values) {
    return py::array_t<std::int64_t>(static_cast<py::ssize_t>(values.size()), values.data());
  }

  void require_columns(const Rows& rows, const char* name) const {
    if (rows.columns() != columns_) {
      throw py::value_error(std::string(name) + ": rows of " + std::to_string(rows.columns()) +
                            " entries cannot be compared with an index of rows of " +
                            std::to_string(columns_));
    }
  }

  [[nodiscard]] std::optional<Rows> query_rows(const std::optional<py::buffer>& queries) const {
    if (!queries) return std::nullopt;
    std::optional<Rows> rows;
    rows.emplace(*queries, std::nullopt, "queries");
    require_columns(*rows, "queries");
    return rows;
  }

  template <class Use>
  void scan(double threshold, bool below, const std::optional<Rows>& asking, const WorkerTeam& team,
            Use use) const {
    const similarity::ScanSettings settings{threshold, below, std::nullopt};
    if (asking) {
      const similarity::RowSet left = asking->select(kernels_, team);
      similarity::PairScan it(left, index_.rows(), index_.packed(), settings, kernels_, team);
      use(it);
    } else {
      similarity::PairScan it(index_.rows(), index_.packed(), settings, kernels_);
      use(it);
    }
  }

  std::mutex mutex_;
  const similarity::Kernels& kernels_;
  std::size_t columns_;
  similarity::PackedIndex index_;
};

}  // namespace

void bind_similarity_index(py::module_& m) {
  py::class_<PackedIndex>(m, "PackedIndex", "Rows that are packed once and searched often.")
      .def(py::init<std::size_t, const std::string&>(), py::arg("columns"),
           py::arg("filter") = "auto")
      .def("add", &PackedIndex::add, py::arg("x"), py::arg("threads") = 1,
           "Adds rows and gives their ids.")
      .def("remove", &PackedIndex::remove, py::arg("ids"), "Removes rows, or none.")
      .def("__len__", &PackedIndex::size)
      .def("__contains__", &PackedIndex::holds, py::arg("id"))
      .def("ids", &PackedIndex::ids, "Ids of all rows, ascending.")
      .def("pairs", &PackedIndex::pairs, py::arg("threshold"), py::arg("below") = true,
           py::arg("threads") = 1, py::arg("queries") = py::none(),
           py::arg("max_pairs") = py::none(),
           "Arrays (i, j, score) in order, and whether complete.")
      .def("count", &PackedIndex::count, py::arg("threshold"), py::arg("below") = true,
           py::arg("threads") = 1, "Number of pairs; keeps none.")
      .def("top_k", &PackedIndex::top_k, py::arg("k"), py::arg("largest") = true,
           py::arg("threads") = 1, py::arg("queries") = py::none(),
           "Ids and scores of the best partners, and the ids that the rows of both belong to.")
      .def_property_readonly("columns", &PackedIndex::columns, "Entries of a row.")
      .def_property_readonly("filter", &PackedIndex::filter, "What searches filter with.");
}

}  // namespace klg::bindings
