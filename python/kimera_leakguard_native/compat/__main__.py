"""``python -m kimera_leakguard_native.compat (-m MODULE | -c CODE | SCRIPT) ARGS...``."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from kimera_leakguard_native.compat.aliases import install_import_aliases

_USAGE = "usage: python -m kimera_leakguard_native.compat (-m MODULE | -c CODE | SCRIPT) ARGS..."


def main(arguments: list[str]) -> int:
    """Run a program with the historic import paths; its exit code is Python's."""
    if not arguments or (arguments[0] in ("-m", "-c") and len(arguments) < 2):
        print(_USAGE, file=sys.stderr)
        return 2
    install_import_aliases()
    first = arguments[0]
    if first == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        sys.path[0] = str(Path(first).resolve().parent)
        runpy.run_path(first, run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
