// The only file that reads the interpreter's private structures; they change with every minor
// version, and so does this one.
#define PY_SSIZE_T_CLEAN
#define Py_BUILD_CORE_MODULE 1
#include <Python.h>

#if defined(Py_GIL_DISABLED)
#define KLG_FRAMES 0
#elif PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030e0000
#include <internal/pycore_code.h>
#include <internal/pycore_frame.h>
#define KLG_FRAMES 1
#elif PY_VERSION_HEX >= 0x030a0000 && PY_VERSION_HEX < 0x030b0000
#include <frameobject.h>
#define KLG_FRAMES 1
#else
#define KLG_FRAMES 0
#endif

#include "pymem/stack_capture.hpp"

namespace klg::pymem {
namespace {

PyCodeObject* as_code(const void* code) noexcept {
  return static_cast<PyCodeObject*>(const_cast<void*>(code));
}

// PyUnicode_AsUTF8 would allocate and cache; this only reads.
std::size_t write_utf8(PyObject* text, char* out, std::size_t room) noexcept {
  if (text == nullptr || !PyUnicode_Check(text)) return 0;
  const int kind = static_cast<int>(PyUnicode_KIND(text));
  const void* data = PyUnicode_DATA(text);
  const Py_ssize_t length = PyUnicode_GET_LENGTH(text);
  std::size_t used = 0;
  for (Py_ssize_t k = 0; k < length; ++k) {
    Py_UCS4 c = PyUnicode_READ(kind, data, k);
    if (c >= 0xD800 && c <= 0xDFFF) c = 0xFFFD;  // undecodable bytes of a file name
    const std::size_t width = c < 0x80 ? 1u : c < 0x800 ? 2u : c < 0x10000 ? 3u : 4u;
    if (used + width > room) break;
    if (width == 1) {
      out[used] = static_cast<char>(c);
    } else {
      for (std::size_t byte = width - 1; byte > 0; --byte) {
        out[used + byte] = static_cast<char>(0x80 | (c & 0x3F));
        c >>= 6;
      }
      const Py_UCS4 lead = width == 2 ? 0xC0 : width == 3 ? 0xE0 : 0xF0;
      out[used] = static_cast<char>(lead | c);
    }
    used += width;
  }
  return used;
}

}  // namespace

const char* capture_unavailable_reason() noexcept {
#if defined(Py_GIL_DISABLED)
  return "free-threaded CPython: its garbage collector needs every object in its own allocator";
#elif !KLG_FRAMES
  return "the sampler reads frames of CPython 3.10 to 3.13 only";
#else
  return "";
#endif
}

bool finalizing() noexcept {
#if PY_VERSION_HEX >= 0x030d0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

#if KLG_FRAMES

namespace {

// This thread's state in the main interpreter, or null; says whether it is attached.
PyThreadState* state_of_thread(bool& attached) noexcept {
#if PY_VERSION_HEX >= 0x030d0000
  PyThreadState* current = PyThreadState_GetUnchecked();
#else
  PyThreadState* current = _PyThreadState_UncheckedGet();
#endif
  PyThreadState* own = PyGILState_GetThisThreadState();
#if PY_VERSION_HEX < 0x030c0000
  // One global up to 3.11: it names whoever holds the lock, which need not be this thread.
  attached = current != nullptr && current == own;
#else
  attached = current != nullptr;
  if (attached) own = current;
#endif
  if (own == nullptr || PyThreadState_GetInterpreter(own) != PyInterpreterState_Main()) {
    attached = false;
    return nullptr;
  }
  return own;
}

}  // namespace

#if PY_VERSION_HEX >= 0x030b0000

std::size_t capture_stack(sampling::Frame* frames, std::size_t room, bool& attached) noexcept {
  const PyThreadState* state = state_of_thread(attached);
  if (state == nullptr) return 0;
#if PY_VERSION_HEX >= 0x030d0000
  _PyInterpreterFrame* frame = state->current_frame;
#else
  _PyInterpreterFrame* frame = state->cframe == nullptr ? nullptr : state->cframe->current_frame;
#endif
  std::size_t count = 0;
  for (; frame != nullptr && count < room; frame = frame->previous) {
#if PY_VERSION_HEX >= 0x030c0000
    if (frame->owner == FRAME_OWNED_BY_CSTACK) continue;
#endif
#if PY_VERSION_HEX >= 0x030d0000
    if (frame->f_executable == nullptr || !PyCode_Check(frame->f_executable)) continue;
    PyCodeObject* code = _PyFrame_GetCode(frame);
#else
    PyCodeObject* code = frame->f_code;
    if (code == nullptr) continue;
#endif
    if (_PyFrame_IsIncomplete(frame)) continue;
    const auto place = _PyInterpreterFrame_LASTI(frame);
    frames[count++] = {
        code, static_cast<std::int32_t>(place) * static_cast<std::int32_t>(sizeof(_Py_CODEUNIT))};
  }
  return count;
}

#else

std::size_t capture_stack(sampling::Frame* frames, std::size_t room, bool& attached) noexcept {
  const PyThreadState* state = state_of_thread(attached);
  if (state == nullptr) return 0;
  std::size_t count = 0;
  for (PyFrameObject* frame = state->frame; frame != nullptr && count < room;
       frame = frame->f_back) {
    // f_lasti counts instructions of two bytes; -1 before the first has run.
    frames[count++] = {frame->f_code, frame->f_lasti < 0 ? 0 : frame->f_lasti * 2};
  }
  return count;
}

#endif

#else

std::size_t capture_stack(sampling::Frame*, std::size_t, bool& attached) noexcept {
  attached = false;
  return 0;
}

#endif

void CodeSource::pin(const void* code) noexcept { Py_INCREF(as_code(code)); }
void CodeSource::unpin(const void* code) noexcept { Py_DECREF(as_code(code)); }

std::int32_t CodeSource::line(const sampling::Frame& frame) noexcept {
  const int line = PyCode_Addr2Line(as_code(frame.code), frame.offset);
  return line < 0 ? 0 : line;
}

std::size_t CodeSource::file(const void* code, char* out, std::size_t room) noexcept {
  return write_utf8(as_code(code)->co_filename, out, room);
}

std::size_t CodeSource::function(const void* code, char* out, std::size_t room) noexcept {
  return write_utf8(as_code(code)->co_name, out, room);
}

}  // namespace klg::pymem
