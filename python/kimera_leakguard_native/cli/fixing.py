"""`klg check --fix` and `--diff`: verified fixes go into the files, or to the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.analysis.batch import Checker
from kimera_leakguard_native.analysis.discovery import discover
from kimera_leakguard_native.analysis.fixes.difference import unified
from kimera_leakguard_native.analysis.fixes.rewriting import replace_file, rewritten
from kimera_leakguard_native.errors import AnalysisError
from kimera_leakguard_native.model.finding import FileError

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.options import Options
    from kimera_leakguard_native.model.finding import CheckResult, Finding


def repair(
    paths: list[str], result: CheckResult, options: Options, *, write: bool
) -> list[FileError]:
    """Fix what can be fixed in the files of a result.

    Parameters
    ----------
    write : bool
        Whether files are changed; else the difference is printed.

    Returns
    -------
    list of FileError
        The files that could not be fixed, and why.
    """
    checker = Checker(discover(paths).files, options)
    failures: list[FileError] = []
    fixed = changed = 0
    for path in sorted({item.file for item in result.findings if _is_fixable(item)}):

        def findings_in(data: bytes, path: str = path) -> list[Finding]:
            return checker.check_version(path, data).findings

        try:
            change = rewritten(path, frontend.read(path), findings_in)
            if not change.fixed:
                continue
            if write:
                replace_file(change)
            else:
                click.echo(unified(change), nl=False)
        except AnalysisError as error:
            failures.append(FileError(path, str(error)))
            continue
        fixed += change.fixed
        changed += 1
    verb = "fixed" if write else "can be fixed"
    findings, files = f"finding{'s' * (fixed != 1)}", f"file{'s' * (changed != 1)}"
    click.echo(f"klg: {fixed} {findings} {verb} in {changed} {files}", err=True)
    return failures


def _is_fixable(finding: Finding) -> bool:
    return any(fix.verified and fix.edits for fix in finding.fixes)
