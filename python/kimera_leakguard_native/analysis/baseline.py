"""Baselines: findings that were there before, so that only new ones count.

A baseline is a JSON file of fingerprints, sorted, without line numbers: it changes only when a
finding comes or goes, and merges like any other text.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.analysis import fingerprints
from kimera_leakguard_native.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kimera_leakguard_native.model.finding import Finding


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One known finding; `file` is relative to the baseline's folder, with forward slashes."""

    file: str
    code: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Findings of a run against a baseline.

    Attributes
    ----------
    new : list of Finding
        Not in the baseline.
    gone : list of Entry
        In the baseline, in a file that was looked at, and no longer found.
    """

    new: list[Finding]
    gone: list[Entry]


class Baseline:
    """The known findings of one project.

    Parameters
    ----------
    path : Path
        The baseline's file; names of files are kept relative to its folder.
    entries : iterable of Entry
        What is known.
    """

    def __init__(self, path: Path, entries: Iterable[Entry] = ()) -> None:
        self.path = path
        self.entries = frozenset(entries)

    @classmethod
    def load(cls, path: Path) -> Baseline:
        """Read a baseline.

        Raises
        ------
        ConfigError
            The file is missing, is no JSON or is not a baseline of this version.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["version"] != 1:
                raise ValueError(f"version {document['version']!r}, expected 1")
            return cls(path, (Entry(**one) for one in document["findings"]))
        except OSError as error:
            message = f"{path}: {error.strerror}; make one with klg baseline create"
            raise ConfigError(message) from error
        except (ValueError, KeyError, TypeError) as error:
            message = f"{path}: not a baseline: {error}"
            raise ConfigError(message) from error

    def save(self) -> None:
        """Write the baseline whole or not at all."""
        document: dict[str, Any] = {
            "version": 1,
            "findings": [
                {"file": one.file, "code": one.code, "fingerprint": one.fingerprint}
                for one in sorted(self.entries)
            ],
        }
        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            fresh.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            fresh.replace(self.path)
        finally:
            fresh.unlink(missing_ok=True)

    def entries_of(self, findings: Iterable[Finding]) -> dict[Finding, Entry]:
        """Give each finding its entry; a file that has gone since gives none."""
        by_file: dict[str, list[Finding]] = {}
        for finding in findings:
            by_file.setdefault(finding.file, []).append(finding)
        result: dict[Finding, Entry] = {}
        for file, own in by_file.items():
            name = self._name(file)
            for finding, fingerprint in fingerprints.of_path(own, file, name).items():
                result[finding] = Entry(name, finding.code, fingerprint)
        return result

    def compare(self, findings: Iterable[Finding], looked_at: Iterable[str]) -> Comparison:
        """Tell new findings from known ones, and name what is gone.

        Parameters
        ----------
        looked_at : iterable of str
            Files that were analysed: what lies elsewhere is not gone, only not seen.
        """
        listed = list(findings)
        entries = self.entries_of(listed)
        present = set(entries.values())
        names = {self._name(file) for file in looked_at}
        return Comparison(
            new=[one for one in listed if entries.get(one) not in self.entries],
            gone=sorted(one for one in self.entries if one.file in names and one not in present),
        )

    def _name(self, file: str) -> str:
        relative = os.path.relpath(os.path.realpath(file), os.path.realpath(self.path.parent))
        return PurePath(relative).as_posix()
