"""What `klg doctor` finds out."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
from pathlib import Path
from typing import Any

from kimera_leakguard_native import _core, config
from kimera_leakguard_native._version import __version__

_PARTS = {
    "z3": ("z3-solver", "symbolic stage of klg check"),
    "numpy": ("numpy", "array interfaces"),
    "libcst": ("libcst", "klg check --fix"),
    "torch": ("torch", "tracking of torch's device memory"),
    "cupy": ("cupy-cuda13x", "tracking of CuPy's device memory"),
    "memray": ("memray", "peer in klg bench --peers"),
}
"""Import name → (distribution, what it is for)."""


def examine() -> dict[str, Any]:
    """Collect the facts; never raises and imports none of the optional parts."""
    return {
        "version": __version__,
        "python": sys.version.split()[0],
        "disabled": config.disabled(),
        "build": {
            "compiler": _core.build.compiler(),
            "built_for_python": _core.build.python(),
            "sanitizer": _core.build.sanitizer() or None,
        },
        "cpu": {"machine": platform.machine(), "features": _core.build.cpu_features()},
        "cuda": {
            "built": _core.cuda.built(),
            "runtime": _version_text(_core.cuda.runtime_version()),
            "driver": _version_text(_core.cuda.driver_version()),
            "devices": _core.cuda.device_count(),
            "reason": _core.cuda.unavailable_reason(),
        },
        "allocator": {"c": _c_allocator(), "python": _python_allocator()},
        "hooks": _hooks(),
        "parts": {name: _part(name) for name in _PARTS},
    }


def lines(facts: dict[str, Any]) -> list[str]:
    """Put the facts into words, one topic a line."""
    build, cuda, hooks = facts["build"], facts["cuda"], facts["hooks"]
    features = ", ".join(facts["cpu"]["features"]) or "baseline"
    devices = f"{cuda['devices']} device(s)" + (f" ({cuda['reason']})" if cuda["reason"] else "")
    driver = cuda["driver"] or "none"
    topics = {
        "build": f"klg {facts['version']}, compiler {build['compiler']}, Python {facts['python']}",
        "processor": f"{facts['cpu']['machine']}: {features}",
        "cuda": f"runtime {cuda['runtime'] or 'not built'}, driver {driver}, {devices}",
        "allocator": f"C: {facts['allocator']['c']}; Python: {facts['allocator']['python']}",
        "hooks": "usable" if hooks["usable"] else f"not usable: {hooks['reason']}",
    }
    out = [f"{topic:<11}{text}" for topic, text in topics.items()]
    for name, part in facts["parts"].items():
        state = part["version"] or f"absent; {part['install']}"
        out.append(f"{'part':<11}{name}: {state} ({part['for']})")
    if facts["disabled"]:
        out.append(f"{'disabled':<11}KLG_DISABLE is set: every entry point is a no-op")
    return out


def _version_text(number: int) -> str | None:
    return f"{number // 1000}.{number % 1000 // 10}" if number else None


def _c_allocator() -> str:
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        maps = ""
    for name in ("jemalloc", "tcmalloc", "mimalloc"):
        if name in maps:
            return name
    libc, version = platform.libc_ver()
    return f"{libc} {version}".strip() or "unknown"


def _python_allocator() -> str:
    return os.environ.get("PYTHONMALLOC") or "pymalloc (default)"


def _hooks() -> dict[str, Any]:
    reason = (
        _core.sampler.unavailable_reason() if hasattr(_core, "sampler") else "not in this build"
    )
    return {"usable": not reason, "reason": reason}


def _part(name: str) -> dict[str, Any]:
    distribution, purpose = _PARTS[name]
    version = None
    if importlib.util.find_spec(name) is not None:
        try:
            version = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            version = "present"
    return {"version": version, "for": purpose, "install": f"pip install {distribution}"}
