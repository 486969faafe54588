"""Runs hostile programs plainly and under `klg run`, and shows every difference for the user.

    python bench/compare_with_plain.py [CASE...] [--how run|got|preload|start] [--python PYTHON]

Standard output and the exit code must be the same (128 + n for a signal); what plain Python writes
to standard error must be there, followed by our report and nothing else (a program that samples
itself may log a line of ours in between). Addresses do not count.
With `--how start` the program samples itself: `klg.start(native="got")` runs before its first line.
"""

from __future__ import annotations

import argparse
import ctypes.util
import fcntl
import os
import re
import signal
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

NASTY = Path(__file__).resolve().parent / "nasty"
PATIENCE_S = 60.0
JEMALLOC = os.environ.get("KLG_TEST_JEMALLOC") or ctypes.util.find_library("jemalloc")
ADDRESS = re.compile(r"0x[0-9a-f]+")


@dataclass(frozen=True)
class Case:
    """A program with arguments, an environment, and perhaps a signal or some input.

    A signal goes to the process that was started, with `group` to its whole process group, and with
    `terminal` it is a Ctrl-C typed at a terminal. A redirection is written as for a shell.
    """

    program: str
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    signal: int | None = None
    group: bool = False
    terminal: bool = False
    stdin: str = ""
    redirection: str = ""
    variant: str = ""

    @property
    def name(self) -> str:
        """Name the case: the program and what distinguishes it from its other cases."""
        return "-".join(part for part in (self.program, *self.arguments, self.variant) if part)


@dataclass(frozen=True)
class Ending:
    """What one run left for its user."""

    code: int | None
    stdout: str
    stderr: str
    seconds: float
    report: bool


def with_environments(program: str) -> list[Case]:
    """Run a program under every Python allocator."""
    return [
        Case(program, environment={"PYTHONMALLOC": value}, variant=f"PYTHONMALLOC={value}")
        for value in ("malloc", "debug", "malloc_debug", "pymalloc_debug")
    ]


PLAIN = (
    "allocated_blocks",
    "changes_user",
    "closes_descriptors",
    "closes_streams",
    "daemon_threads",
    "daemonizes",
    "deep_recursion",
    "executes_another",
    "foreign_threads",
    "forked_child_exits",
    "forks_100_times",
    "forks_in_threads",
    "gevent_pool",
    "greenlets",
    "introspects",
    "late_finalisers",
    "leaves_hooks",
    "memory_error",
    "os_exit",
    "own_hooks",
    "own_tracemalloc",
    "pickles_main",
    "process_pools",
    "raises",
    "raises_in_atexit",
    "reallocs",
    "replaces_modules",
    "segfault",
    "small_limits",
    "subinterpreters",
    "subprocesses",
    "thread_raises",
    "threads_500",
    "traces_itself",
)
CASES = [
    *(Case(program) for program in PLAIN),
    *(
        Case("exits", (value,))
        for value in ("none", "zero", "three", "text", "large", "negative", "tuple", "empty")
    ),
    *(
        Case("kills_itself", (name,))
        for name in ("SIGKILL", "SIGTERM", "SIGABRT", "SIGHUP", "SIGINT")
    ),
    Case("interrupted", signal=signal.SIGINT, terminal=True, variant="terminal"),
    Case("interrupted", signal=signal.SIGINT),
    Case("interrupted", signal=signal.SIGTERM, variant="SIGTERM"),
    Case("interrupted", signal=signal.SIGHUP, variant="SIGHUP"),
    Case("catches_interrupt", signal=signal.SIGINT, terminal=True, variant="terminal"),
    Case("catches_interrupt", signal=signal.SIGINT),
    Case("catches_interrupt", signal=signal.SIGINT, group=True, variant="group"),
    Case("handles_sigterm", signal=signal.SIGTERM),
    Case("handles_sigterm", signal=signal.SIGTERM, group=True, variant="group"),
    Case("ignores_sigterm", signal=signal.SIGTERM),
    Case("reads_stdin", stdin="one\ntwo\nthree\n"),
    Case("streams", redirection="<&-", variant="no-stdin"),
    Case("streams", redirection=">&-", variant="no-stdout"),
    Case("streams", redirection="2>&-", variant="no-stderr"),
    Case("streams", redirection="<&- >&-", variant="no-stdin-no-stdout"),
    Case("reallocs", environment={"PYTHONTRACEMALLOC": "5"}, variant="PYTHONTRACEMALLOC"),
    Case("threads_500", environment={"PYTHONTRACEMALLOC": "1"}, variant="PYTHONTRACEMALLOC"),
    Case("introspects", environment={"PYTHONDEVMODE": "1"}, variant="PYTHONDEVMODE"),
    *(
        Case(program, environment={"LD_PRELOAD": library}, variant="jemalloc")
        for library in filter(None, [JEMALLOC])
        for program in ("reallocs", "daemon_threads", "forks_in_threads", "process_pools")
    ),
    *with_environments("reallocs"),
    *with_environments("daemon_threads"),
    *with_environments("own_hooks"),
    *with_environments("forks_100_times"),
]


def run(command: list[str], case: Case, report: Path | None = None) -> Ending:
    """Run a command in a session of its own, send the case's signal when it says `ready`."""
    if case.redirection:
        command = ["sh", "-c", f'exec "$@" {case.redirection}', "sh", *command]
    started = time.monotonic()
    keyboard, terminal = os.openpty() if case.terminal else (None, None)
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if terminal is None else terminal,
            stdout=output,
            stderr=errors,
            env={**os.environ, **case.environment},
            start_new_session=True,
            # No other thread is running here that could hold a lock across the fork.
            preexec_fn=None if terminal is None else _take_terminal,  # noqa: PLW1509
            text=True,
        )
        try:
            if case.signal is None:
                process.communicate(case.stdin, timeout=PATIENCE_S)
            else:
                _await_ready(output, process)
                if keyboard is not None:
                    os.write(keyboard, b"\x03")
                else:
                    (os.killpg if case.group else os.kill)(process.pid, case.signal)
                process.wait(timeout=PATIENCE_S)
            code = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = None
        finally:
            if process.stdin:
                process.stdin.close()
            for descriptor in filter(None, (keyboard, terminal)):
                os.close(descriptor)
        output.seek(0)
        errors.seek(0)
        return Ending(
            code=128 - code if code is not None and code < 0 else code,
            stdout=ADDRESS.sub("0x", output.read()),
            stderr=ADDRESS.sub("0x", errors.read()),
            seconds=time.monotonic() - started,
            report=report is not None and report.exists() and report.stat().st_size > 0,
        )


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _await_ready(output, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        if os.fstat(output.fileno()).st_size:
            # The program waits now; a tool that samples gets a moment of steady state.
            time.sleep(0.3)
            return
        time.sleep(0.02)


def differences(plain: Ending, watched: Ending, *, with_report: bool = True) -> list[str]:
    """Say how a watched run differs from a plain one."""
    found = []
    if watched.code is None:
        found.append("hung")
    elif watched.code != plain.code:
        found.append(f"exit code {watched.code} instead of {plain.code}")
    if watched.stdout != plain.stdout:
        found.append(_first_difference("stdout", plain.stdout, watched.stdout))
    if with_report and not watched.stderr.startswith(plain.stderr):
        found.append(_first_difference("stderr", plain.stderr, watched.stderr))
    if not with_report and (
        lost := set(plain.stderr.splitlines()) - set(watched.stderr.splitlines())
    ):
        found.append(f"not on stderr: {min(lost)!r}")
    ours = watched.stderr[len(plain.stderr) :]
    if "Traceback" in ours and not found:
        found.append(f"a traceback of ours: {ours.strip().splitlines()[-1]}")
    if with_report and not watched.report:
        found.append("no report")
    return found


def _first_difference(name: str, plain: str, watched: str) -> str:
    expected, got = plain.splitlines(), watched.splitlines()
    for number, line in enumerate(expected):
        other = got[number] if number < len(got) else "(nothing)"
        if other != line:
            return f"{name} line {number + 1}: {other[:400]!r} instead of {line[:400]!r}"
    return f"{name}: more than plain Python writes: {got[len(expected)][:200]!r}"


WAYS = {"run": (), "got": ("--native", "got"), "preload": ("--preload",), "start": None}
"""How a program may be watched: options of `klg run`, or by itself."""

_START = """
import kimera_leakguard_native as klg
klg.start(sample_bytes=16384, native="got")
"""


def compare(
    case: Case, python: str = sys.executable, how: str = "run"
) -> tuple[Ending, Ending, list[str]]:
    """Run a case both ways."""
    program = [str(NASTY / f"{case.program}.py"), *case.arguments]
    plain = run([python, *program], case)
    options = WAYS[how]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        if options is None:
            (Path(folder) / "sitecustomize.py").write_text(_START, encoding="utf-8")
            itself = replace(case, environment={**case.environment, "PYTHONPATH": folder})
            watched = run([python, *program], itself)
        else:
            watch = [python, "-m", "kimera_leakguard_native", "run", "--report", str(report)]
            watched = run([*watch, *options, *program], case, report)
    return plain, watched, differences(plain, watched, with_report=options is not None)


def main() -> int:
    """Run the cases whose name contains one of the words given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--how", choices=WAYS, default="run", help="how it is watched")
    parser.add_argument("--times", type=int, default=1, help="repeat each case")
    options = parser.parse_args()
    chosen = [
        case
        for case in CASES
        if not options.cases or any(word in case.name for word in options.cases)
    ]
    bad = 0
    for case in chosen:
        for _ in range(options.times):
            plain, watched, found = compare(case, options.python, options.how)
            bad += bool(found)
            times = f"{plain.seconds:5.1f} s -> {watched.seconds:5.1f} s"
            print(f"{'DIFFERS' if found else 'same':8}{case.name:44}{times}  {'; '.join(found)}")
            sys.stdout.flush()
    print(f"{bad} differences in {len(chosen) * options.times} runs")
    return int(bad > 0)
