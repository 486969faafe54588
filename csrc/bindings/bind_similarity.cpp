#include <memory>
#include <mutex>

#include "bindings.hpp"
#include "klg/similarity/canonical_dot.hpp"
#include "klg/similarity/dispatch.hpp"
#include "klg/similarity/peak_benchmark.hpp"
#include "klg/similarity/tension.hpp"
#include "klg/similarity/top_k.hpp"
#include "similarity_arguments.hpp"

namespace klg::bindings {
namespace {

using similarity::Filter;
using similarity::Kernels;
using similarity::RowSet;
using similarity::WorkerTeam;

double canonical_dot(const py::buffer& x, const py::buffer& y) {
  const ArrayView<float> a(x, "x", 1);
  const ArrayView<float> b(y, "y", 1);
  if (a.size(0) != b.size(0)) {
    throw py::value_error("x and y: expected equal lengths, got " + std::to_string(a.size(0)) +
                          " and " + std::to_string(b.size(0)));
  }
  return similarity::canonical_dot(a.data(), b.data(), a.size(0));
}

void require_equal_columns(const Rows& left, const Rows& right) {
  if (left.columns() != right.columns()) {
    throw py::value_error("queries: rows of " + std::to_string(left.columns()) +
                          " entries cannot be compared with rows of " +
                          std::to_string(right.columns()));
  }
}

using Source = std::variant<const VectorRows*, py::buffer>;

Rows rows_of(const Source& x, const std::optional<py::buffer>& mask) {
  if (const auto* buffer = std::get_if<py::buffer>(&x)) return {*buffer, mask, "x"};
  const VectorRows* vectors = std::get<const VectorRows*>(x);
  if (vectors == nullptr) throw py::type_error("x: expected a matrix or VectorRows, got None");
  return {*vectors, mask, "x"};
}

/// A scan and everything that it refers to, but for vectors and a rule.
class PairScan {
 public:
  PairScan(const Source& x, double threshold, bool below, unsigned threads,
           const std::optional<py::buffer>& mask, const std::optional<py::buffer>& queries,
           const std::string& filter, std::optional<const similarity::Tension*> rule)
      : kernels_(similarity::kernels_from_environment()),
        team_(threads, check_signals),
        x_(rows_of(x, mask)) {
    if (queries) {
      queries_.emplace(*queries, std::nullopt, "queries");
      require_equal_columns(*queries_, x_);
    }
    const similarity::Tension* const decides = rule.value_or(nullptr);
    if (decides != nullptr && (queries || !below || decides->geoids() != x_.rows())) {
      throw py::value_error("rule: decides about the rows of x, as many as it has geoids, below");
    }
    similarity::ScanSettings settings{threshold, below, parse_filter(filter), 1.0, decides};
    const py::gil_scoped_release unlocked;
    rows_.emplace(x_.select(kernels_, team_));
    if (queries_) {
      query_rows_.emplace(queries_->select(kernels_, team_));
      scan_.emplace(*query_rows_, *rows_, settings, kernels_, team_);
    } else {
      scan_.emplace(*rows_, settings, kernels_, team_);
    }
  }

  std::optional<PairArrays> next_batch() {
    std::vector<similarity::Pair> pairs;
    {
      const py::gil_scoped_release unlocked;
      const std::unique_lock lock = own();
      if (!scan_->next(team_, pairs)) return std::nullopt;
    }
    return to_arrays(pairs, pairs.size());
  }

  /// The remaining pairs, or the first of them, and whether those are all.
  std::pair<PairArrays, bool> collect(std::optional<std::size_t> max_pairs) {
    std::vector<similarity::Pair> pairs;
    {
      const py::gil_scoped_release unlocked;
      const std::unique_lock lock = own();
      while ((!max_pairs || pairs.size() <= *max_pairs) && scan_->next(team_, pairs)) {
      }
    }
    const bool complete = !max_pairs || pairs.size() <= *max_pairs;
    return {to_arrays(pairs, complete ? pairs.size() : *max_pairs), complete};
  }

  std::uint64_t count() {
    const py::gil_scoped_release unlocked;
    const std::unique_lock lock = own();
    return scan_->count(team_);
  }

  [[nodiscard]] const char* filter() const noexcept {
    return similarity::filter_name(scan_->filter());
  }

  /// The rows that can match: neither masked out nor zero.
  [[nodiscard]] py::array_t<std::int64_t> members() const {
    py::array_t<std::int64_t> result(static_cast<py::ssize_t>(rows_->size()));
    for (std::size_t k = 0; k < rows_->size(); ++k) result.mutable_data()[k] = rows_->id(k);
    return result;
  }

 private:
  [[nodiscard]] std::unique_lock<std::mutex> own() {
    std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) throw std::runtime_error("this scan is running in another thread");
    return lock;
  }

  std::mutex mutex_;
  const Kernels& kernels_;
  WorkerTeam team_;
  Rows x_;
  std::optional<Rows> queries_;
  std::optional<RowSet> rows_;
  std::optional<RowSet> query_rows_;
  std::optional<similarity::PairScan> scan_;
};

std::pair<py::array_t<std::int64_t>, py::array_t<double>> top_k(
    const py::buffer& x, std::size_t k, bool largest, unsigned threads,
    const std::optional<py::buffer>& mask, const std::optional<py::buffer>& queries,
    const std::string& filter) {
  const Kernels& kernels = similarity::kernels_from_environment();
  const WorkerTeam team(threads, check_signals);
  const Rows base(x, mask, "x");
  std::optional<Rows> asking;
  if (queries) {
    asking.emplace(*queries, std::nullopt, "queries");
    require_equal_columns(*asking, base);
  }
  const similarity::TopKSettings settings{k, largest, parse_filter(filter)};
  const auto rows = static_cast<py::ssize_t>(asking ? asking->rows() : base.rows());
  const auto places = static_cast<py::ssize_t>(k);
  py::array_t<std::int64_t> indices({rows, places});
  py::array_t<double> scores({rows, places});
  std::int64_t* index_data = indices.mutable_data();
  double* score_data = scores.mutable_data();
  {
    const py::gil_scoped_release unlocked;
    const RowSet right = base.select(kernels, team);
    if (asking) {
      const RowSet left = asking->select(kernels, team);
      similarity::top_k(left, right, nullptr, settings, kernels, team, index_data, score_data);
    } else {
      similarity::top_k(right, nullptr, settings, kernels, team, index_data, score_data);
    }
  }
  return {std::move(indices), std::move(scores)};
}

}  // namespace

void bind_similarity(py::module_& parent) {
  py::module_ m = parent.def_submodule("similarity", "Exact similarity of float32 rows.");
  m.def("canonical_dot", &canonical_dot, py::arg("x"), py::arg("y"),
        "The canonical float64 dot product of two float32 vectors (n,).");
  m.def(
      "instruction_set", [] { return similarity::kernels_from_environment().name; },
      "Instruction set of the kernels that a call would use now; KLG_ISA forces one.");
  m.def("instruction_sets", &similarity::instruction_sets,
        "Instruction sets that this build has kernels for, weakest first.");
  m.def(
      "measure_peak",
      [](const std::string& filter) {
        const Kernels& kernels = similarity::kernels_from_environment();
        const std::optional<Filter> wanted = parse_filter(filter);
        const py::gil_scoped_release unlocked;
        return similarity::measure_peak(kernels, wanted.value_or(Filter::floats));
      },
      py::arg("filter"),
      "Operations a second of one core that runs a filter's instruction on registers alone.");
  py::class_<VectorRows>(m, "VectorRows", "Float32 vectors of one length as rows, where they lie.")
      .def_static(
          "gather", &VectorRows::gather, py::arg("vectors"),
          "The vectors as rows; None where one is no contiguous float32 vector, is empty or "
          "has another length.")
      .def_property_readonly(
          "columns", [](const VectorRows& rows) { return rows.matrix().columns; },
          "Entries of a vector.");
  bind_tension(m);
  py::class_<PairScan>(m, "PairScan",
                       "All pairs beyond a threshold, batch by batch in order (i, j).")
      .def(py::init<const Source&, double, bool, unsigned, const std::optional<py::buffer>&,
                    const std::optional<py::buffer>&, const std::string&,
                    std::optional<const similarity::Tension*>>(),
           py::arg("x"), py::arg("threshold"), py::arg("below") = true, py::arg("threads") = 1,
           py::arg("mask") = py::none(), py::arg("queries") = py::none(),
           py::arg("filter") = "auto", py::arg("rule") = py::none(), py::keep_alive<1, 2>(),
           py::keep_alive<1, 9>())
      .def("next_batch", &PairScan::next_batch, "Arrays (i, j, score) of the next batch, or None.")
      .def("collect", &PairScan::collect, py::arg("max_pairs") = py::none(),
           "The remaining pairs, or the first of them, and whether those are all.")
      .def("count", &PairScan::count, "Number of the remaining pairs; keeps none.")
      .def_property_readonly("filter", &PairScan::filter, "What the scan filters with.")
      .def_property_readonly("members", &PairScan::members,
                             "Rows that can match, ascending: neither masked out nor zero.");
  m.def("top_k", &top_k, py::arg("x"), py::arg("k"), py::arg("largest") = true,
        py::arg("threads") = 1, py::arg("mask") = py::none(), py::arg("queries") = py::none(),
        py::arg("filter") = "auto",
        "Indices and scores (rows, k) of every row's best partners, best first.");
  bind_similarity_index(m);
}

}  // namespace klg::bindings
