#include <pybind11/stl.h>
#include <pybind11/typing.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "klg/core/clock.hpp"
#include "klg/core/error.hpp"
#include "klg/sampling/capture_view.hpp"
#include "pymem/allocator_hooks.hpp"

namespace py = pybind11;

namespace klg::bindings {
namespace {

using sampling::CaptureMemory;
using sampling::CaptureView;
using sampling::Life;

// The format that the Python face unpacks: two times, size, node, mean, reach, kind.
static_assert(sizeof(Life) == 40 && alignof(Life) == 8);
constexpr const char* kLifeFormat = "qqQIffI";

std::shared_ptr<CaptureMemory> own_memory;  // of the latest sampling in this process

py::bytes packed(const std::vector<Life>& lives) {
  return {reinterpret_cast<const char*>(lives.data()), lives.size() * sizeof(Life)};
}

pymem::NativeMode native_mode(const std::string& name) {
  if (name == "off") return pymem::NativeMode::kOff;
  if (name == "got") return pymem::NativeMode::kImports;
  if (name == "preload") return pymem::NativeMode::kPreload;
  throw py::value_error("native: expected 'off', 'got' or 'preload'");
}

void start(double mean_bytes, double budget, double credit_s, int descriptor, bool follow_fork,
           const std::string& native, const std::string& child_folder) {
  if (!(mean_bytes >= 1.0)) throw py::value_error("mean_bytes: expected at least 1");
  if (descriptor >= 0 && follow_fork) {
    throw py::value_error("follow_fork: not together with a shared capture");
  }
  if (pymem::recording()) throw Error("the sampler is already running; stop it first");
  auto memory = std::make_shared<CaptureMemory>(
      descriptor >= 0 ? CaptureMemory::shared(descriptor, true) : CaptureMemory::anonymous());
  pymem::HookOptions options;
  options.recorder.mean_bytes = mean_bytes;
  options.recorder.budget = budget;
  options.recorder.credit_ns = credit_s * 1e9;
  options.follow_fork = follow_fork;
  options.child_folder = child_folder;
  options.native = native_mode(native);
  options.recorder.native_mode = static_cast<std::uint32_t>(options.native);
  options.own_modules = {reinterpret_cast<const void*>(&native_mode)};
  pymem::start(memory, options);
  own_memory = std::move(memory);
}

CaptureView own_capture() {
  if (!own_memory) throw Error("the sampler has not been started in this process");
  return CaptureView(own_memory);
}

py::typing::Dict<py::str, py::object> totals(const CaptureView& view) {
  const sampling::CaptureTotals t = view.totals(monotonic_ns());
  py::typing::Dict<py::str, py::object> out;
  out["running"] = t.running;
  out["seconds"] = t.seconds;
  out["mean_bytes"] = t.mean_bytes;
  out["allocated_bytes"] = t.allocated_bytes;
  out["allocated_standard_error"] = t.allocated_standard_error;
  out["expected_points"] = t.expected_points;
  out["samples"] = t.samples;
  out["points"] = t.points;
  out["live"] = t.live;
  out["freed"] = t.freed;
  out["thinned"] = t.thinned;
  out["replaced"] = t.replaced;
  out["dropped"] = t.dropped;
  out["dropped_stacks"] = t.dropped_stacks;
  out["self_seconds"] = static_cast<double>(t.self_ns) * 1e-9;
  out["hook_seconds"] = t.allocations * t.hook_ns * 1e-9;
  out["allocations"] = t.allocations;
  out["process"] = t.process;
  out["first_mean_bytes"] = t.first_mean_bytes;
  out["budget"] = t.budget;
  out["cost_widened"] = t.cost_widened;
  out["room_widened"] = t.room_widened;
  out["c_heap_used"] = t.c_heap_used;
  out["c_heap_free"] = t.c_heap_free;
  out["c_heap_seconds"] = t.c_heap_seconds;
  out["narrowed"] = t.narrowed;
  out["narrowed_seconds"] = t.narrowed_seconds;
  out["coarsest_mean_bytes"] = t.coarsest_mean_bytes;
  constexpr const char* kModes[] = {"off", "got", "preload"};
  out["native"] = kModes[t.native_mode % 3];
  return out;
}

using HeldTuple = std::tuple<std::uint32_t, std::uint64_t, double, std::uint64_t, std::uint64_t>;

std::vector<HeldTuple> held(const CaptureView& view, std::uint64_t large) {
  std::vector<HeldTuple> out;
  for (const CaptureView::Held& one : view.held(large)) {
    out.emplace_back(one.node, one.samples, one.bytes, one.large_bytes, one.largest);
  }
  return out;
}

std::pair<py::bytes, std::uint64_t> deaths(CaptureView& view) {
  std::uint64_t lost = 0;
  const std::vector<Life> lives = view.new_deaths(lost);
  return {packed(lives), lost};
}

std::vector<std::tuple<std::uint32_t, std::uint32_t, std::int32_t>> nodes(CaptureView& view) {
  std::vector<std::tuple<std::uint32_t, std::uint32_t, std::int32_t>> out;
  for (const sampling::StackNode& node : view.new_nodes()) {
    out.emplace_back(node.parent, node.code, node.line);
  }
  return out;
}

std::vector<std::pair<double, double>> allocated(const CaptureView& view) {
  std::vector<std::pair<double, double>> out;
  for (const CaptureView::Allocated& each : view.allocated()) {
    out.emplace_back(each.allocations, each.bytes);
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> codes(CaptureView& view) {
  std::vector<std::pair<std::string, std::string>> out;
  for (CaptureView::Name& name : view.new_codes()) {
    out.emplace_back(std::move(name.file), std::move(name.function));
  }
  return out;
}

std::string mode() {
  switch (pymem::mode()) {
    case pymem::HookMode::kDivert:
      return "divert";
    case pymem::HookMode::kFilter:
      return "filter";
    case pymem::HookMode::kNone:
      break;
  }
  return "";
}

// Without a guard object: a daemon thread that wants the lock back while the interpreter exits is
// ended by unwinding its stack, and a destructor that does not return ends the process.
void look_at_c_heap() {
  PyThreadState* state = PyEval_SaveThread();
  pymem::look_at_c_heap();
  PyEval_RestoreThread(state);
}

void die_with_parent(int parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the line above.
  if (getppid() != parent) raise(SIGKILL);
}

}  // namespace

void bind_sampler(py::module_& parent) {
  py::module_ m =
      parent.def_submodule("sampler", "Byte-sampled hooks in the allocators of the interpreter.");
  m.attr("LIFE_FORMAT") = kLifeFormat;
  m.attr("BUDGET_LIMIT") = sampling::kBudgetLimit;

  py::class_<CaptureView>(m, "Capture", "What a sampler has recorded; read without a lock.")
      .def(py::init([](int descriptor) {
             return CaptureView(
                 std::make_shared<CaptureMemory>(CaptureMemory::shared(descriptor, false)));
           }),
           py::arg("descriptor"))
      .def("begun", &CaptureView::begun, "Whether a sampler has begun to write.")
      .def("totals", &totals, "Counters and estimates; times in seconds.")
      .def(
          "live", [](const CaptureView& view) { return packed(view.live()); },
          "Live samples as records of LIFE_FORMAT.")
      .def("held", &held, py::arg("large"),
           "Live samples by stack: (node, samples, estimated bytes, bytes of samples of at least "
           "`large`, the largest of these).")
      .def("new_deaths", &deaths,
           "Deaths of old samples since the last call as records of LIFE_FORMAT, and how many "
           "were lost.")
      .def("allocated", &allocated,
           "Estimated allocations and bytes of each stack node since the start, by its number.")
      .def("new_nodes", &nodes, "Stack nodes since the last call: (parent, code, line).")
      .def("new_codes", &codes, "Code objects since the last call: (file, function).");

  m.def("unavailable_reason", &pymem::unavailable_reason,
        "Why the hooks cannot be used in this interpreter, or ''.");
  m.def("start", &start, py::kw_only(), py::arg("mean_bytes"), py::arg("budget") = 0.0,
        py::arg("credit_s") = 0.0, py::arg("descriptor") = -1, py::arg("follow_fork") = false,
        py::arg("native") = "off", py::arg("child_folder") = "",
        "Install the hooks and record, into the capture of a descriptor or of this process.");
  m.def(
      "native_unavailable_reason",
      [](const std::string& native) {
        return pymem::native_unavailable_reason(native_mode(native));
      },
      py::arg("native"), "Why C allocations cannot be seen in that way here, or ''.");
  m.def("refresh_native", &pymem::refresh_native,
        "Hook modules that have been loaded meanwhile; cheap where there are none.");
  m.def("look_at_c_heap", &look_at_c_heap,
        "Read what the C library holds, if that is due; samples do it too, where there are any.");
  m.def("stop", &pymem::stop, "End the recording and take the hooks out; may be repeated.");
  m.def("ask_for_mean", &pymem::ask_for_mean, py::arg("bytes"),
        "Ask for a finer sampling mean; granted at a later sample, as the budget leaves room.");
  m.def("recording", &pymem::recording, "Whether samples are being recorded.");
  m.def("mode", &mode, "'divert' or 'filter' while hooks are in place, or ''.");
  m.def("own_capture", &own_capture, "The capture of the latest sampling in this process.");
  m.def("create_descriptor", &CaptureMemory::create_descriptor,
        "A descriptor of memory that can hold a capture; close-on-exec.");
  m.def("die_with_parent", &die_with_parent, py::arg("parent"),
        "Have the kernel kill this process when its parent dies.");
}

}  // namespace klg::bindings
