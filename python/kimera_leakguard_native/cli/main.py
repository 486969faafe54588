"""Entry point of `klg` and `kimera-leakguard`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kimera_leakguard_native.cli import exit_codes

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and give its exit code.

    `--version` is answered before click is imported: people run it in shell prompts and scripts.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        from kimera_leakguard_native._version import __version__

        sys.stdout.write(f"klg {__version__}\n")
        return exit_codes.CLEAN

    from kimera_leakguard_native.cli.verbs import run_verbs

    return run_verbs(arguments)


if __name__ == "__main__":
    sys.exit(main())
