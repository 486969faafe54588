"""Fix released packages and run their own tests before and after.

THIS RUNS FOREIGN CODE: the tests of packages from the index, in virtual environments of their own
below the folder given by ``--work``. Use a machine or a container that you can throw away.

    python bench/fix_packages.py --work WORK --cache CACHE [NAME...]

For each package: its source archive is unpacked twice, `klg check --fix --all` is let loose on the
second copy (tests and documentation too), and both copies run the same tests. A test that passed
before and does not pass after is a regression, unless it does not pass in a second run before
either.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from corpora.download import Downloads

_SECONDS = 300


@dataclass(frozen=True)
class Package:
    """A release and how its tests are run.

    Attributes
    ----------
    needs : tuple of str
        What its tests import, besides itself and what it requires.
    source : str
        Folder of the archive that goes onto the import path.
    tests : tuple of str
        Arguments for pytest, from the archive's root.
    """

    name: str
    version: str
    tests: tuple[str, ...]
    source: str = "."
    needs: tuple[str, ...] = ()


PACKAGES = (
    Package("polib", "1.2.0", ("tests/tests.py",)),
    Package("paste", "3.10.1", ("tests",)),
    Package("waitress", "3.0.2", ("-c", os.devnull, "tests"), source="src"),
    Package("mako", "1.4.3", ("test",)),
    Package("docutils", "0.23", ("test",)),
    Package("whoosh", "2.7.4", ("-c", os.devnull, "tests"), source="src"),
    Package("rarfile", "4.5", ("test",)),
    Package("zconfig", "4.3", ("src/ZConfig/tests",), source="src", needs=("manuel", "docutils")),
    Package("tabulate", "0.10.0", ("test",)),
    Package("pypng", "0.20220715.0", ("code/test_png.py",), source="code"),
    Package("xlwt", "1.3.0", ("tests",)),
)


@dataclass
class Outcome:
    """What became of one package."""

    package: Package
    found: int = 0
    verified: int = 0
    applied: int = 0
    files: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    regressions: list[str] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)
    trouble: str = ""


def fixed(package: Package, downloads: Downloads, work: Path) -> Outcome:
    """Fix one package and compare the results of its tests."""
    outcome = Outcome(package)
    folder = work / package.name
    release = downloads.fetch(package.name, package.version)
    for name in ("before", "after"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(release.root, folder / name)
    python = _environment(package, folder / "venv")
    outcome.found, outcome.verified = _offered(folder / "after")
    outcome.applied, outcome.files = _apply(folder / "after", folder / "before")
    before, trouble = _run(python, package, folder / "before")
    after, more = _run(python, package, folder / "after")
    outcome.before, outcome.after = Counter(before.values()), Counter(after.values())
    outcome.trouble = trouble or more
    worse = sorted(name for name, how in before.items() if how == "passed" != after.get(name))
    if worse:
        again, _ = _run(python, package, folder / "before")
        third, _ = _run(python, package, folder / "after")
        outcome.flaky = [
            name for name in worse if again.get(name) != "passed" or third.get(name) == "passed"
        ]
        outcome.regressions = [name for name in worse if name not in outcome.flaky]
    return outcome


def _environment(package: Package, venv: Path) -> Path:
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        wanted = ["pytest", "setuptools<81", f"{package.name}=={package.version}", *package.needs]
        subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True)
    return python


def _offered(folder: Path) -> tuple[int, int]:
    done = _klg("--all", "--output-format", "json", str(folder))
    findings = json.loads(done.stdout)["findings"]
    sure = [one for one in findings if any(fix["verified"] for fix in one["fixes"])]
    return len(findings), len(sure)


def _apply(folder: Path, original: Path) -> tuple[int, int]:
    done = _klg("--all", "--fix", str(folder))
    said = next(line for line in done.stderr.splitlines() if line.startswith("klg: "))
    changed = sum(
        path.read_bytes() != (original / path.relative_to(folder)).read_bytes()
        for path in folder.rglob("*.py")
    )
    return int(said.split()[1]), changed


def _klg(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kimera_leakguard_native", "check", "--no-cache", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _run(python: Path, package: Package, folder: Path) -> tuple[dict[str, str], str]:
    """Give the outcome of each test by name, and what ended the run early, if anything did."""
    report = folder.with_name(f"{folder.name}.xml")
    report.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(folder / package.source)}
    environment.pop("KLG_CACHE_DIR", None)
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    try:
        done = subprocess.run(
            [*command, *package.tests],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return {}, f"no end after {_SECONDS} s"
    if not report.exists():
        return {}, (done.stdout + done.stderr)[-500:]
    results: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag for child in case}
        results[name] = next(
            (kind for kind in ("error", "failure", "skipped") if kind in kinds), "passed"
        )
    return results, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for copies and venvs")
    parser.add_argument("--cache", type=Path, required=True, help="folder for downloads")
    parser.add_argument("names", nargs="*", help="packages; all of the table by default")
    arguments = parser.parse_args()
    downloads = Downloads(arguments.cache)
    worst = 0
    print(
        "| package | findings | verified | applied | files | passed before | after | regressions |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for package in PACKAGES:
        if arguments.names and package.name not in arguments.names:
            continue
        one = fixed(package, downloads, arguments.work.resolve())
        print(
            f"| {package.name} {package.version} | {one.found} | {one.verified} | {one.applied} "
            f"| {one.files} | {one.before['passed']} of {one.before.total()} "
            f"| {one.after['passed']} | {len(one.regressions)} |",
            flush=True,
        )
        for name in one.regressions:
            print(f"  regression: {name}", file=sys.stderr)
        for name in one.flaky:
            print(f"  flaky: {name}", file=sys.stderr)
        if one.trouble:
            print(f"  {package.name}: {one.trouble}", file=sys.stderr, flush=True)
        worst |= bool(one.regressions or one.trouble)
    return worst


if __name__ == "__main__":
    sys.exit(main())
