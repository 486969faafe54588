"""The click group: finds a verb's module only when the verb is used."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import TYPE_CHECKING

import click

from kimera_leakguard_native._version import __version__
from kimera_leakguard_native.cli import exit_codes
from kimera_leakguard_native.errors import LeakGuardError

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {
    "baseline": "keep known findings, so that only new ones count",
    "bench": "time the native parts beside their peers",
    "check": "find leaks in source code",
    "config": "print each setting and where its value comes from",
    "dashboard": "show in a browser what running processes leak",
    "demo": "show a service that leaks, is noticed, and recovers",
    "diff": "say what two runs differ in",
    "doctor": "say what this build and this machine can do",
    "export": "hand a heap profile to other tools",
    "report": "make one HTML file of a run",
    "rule": "explain the rules of klg check",
    "run": "run a program and say what it leaks",
    "snapshot": "ask a running process what grows",
}
"""Name and one-line help of each verb; `cli/commands/<name>.py` holds it."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """List the verbs without importing them."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"kimera_leakguard_native.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of verbs from the table."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(VERBS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="klg", message="%(prog)s %(version)s")
def group() -> None:
    """Find, prove, fix and prevent memory and resource leaks.

    \b
    Example:
      klg check src/            leaks in source code
      klg run service.py        leaks of a running program
    """  # noqa: D301 - \b keeps click from re-wrapping the example


def run_verbs(arguments: Sequence[str]) -> int:
    """Run the command line; every error ends as a message and an exit code."""
    try:
        result = group.main(args=list(arguments), prog_name="klg", standalone_mode=False)
    except click.exceptions.Abort:
        sys.stderr.write("klg: interrupted\n")
        return 130
    except click.ClickException as error:
        error.show()
        return exit_codes.ERROR
    except LeakGuardError as error:
        sys.stderr.write(f"klg: {error}\n")
        return error.exit_code
    except BrokenPipeError:
        # The reader of a pipe has gone; the interpreter would complain again on shutdown.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.CLEAN
    return result if isinstance(result, int) else exit_codes.CLEAN
