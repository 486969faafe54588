"""`klg check --output-format sarif`: SARIF 2.1.0, as code scanning services and editors read it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kimera_leakguard_native._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimera_leakguard_native.analysis.rules.registry import Rule
    from kimera_leakguard_native.model.finding import CheckResult, Edit, FileError, Finding, Fix

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
FINGERPRINT = "leakguard/v1"

_LEVELS = {"N": "error", "E": "error", "X": "warning", "D": "warning", "M": "note"}
_ROOT = "%SRCROOT%"


def render(
    result: CheckResult,
    rules: Mapping[str, Rule],
    fingerprints_of: Callable[[list[Finding], str, str], Mapping[Finding, str]],
) -> str:
    """Give the report as one SARIF log.

    Nothing in it depends on the machine or on the hour, so that two runs over the same files give
    the same bytes.

    Parameters
    ----------
    rules : mapping of str to Rule
        All rules by code.
    fingerprints_of : callable
        Gives the fingerprints of findings of one file, called with these, the file, and its name
        in the log; a file that has gone since gives none.
    """
    codes = sorted(rules)
    prints: dict[Finding, str] = {}
    for file, own in _by_file(result.findings).items():
        prints.update(fingerprints_of(own, file, _uri(file)))
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "kimera-leakguard",
                        "version": __version__,
                        "semanticVersion": __version__,
                        "rules": [_rule(rules[code]) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": bool(result.statistics.files or not result.errors),
                        "toolExecutionNotifications": [_notice(one) for one in result.errors],
                    }
                ],
                "results": [
                    _result(one, codes.index(one.code), prints.get(one)) for one in result.findings
                ],
            }
        ],
    }
    return json.dumps(log, indent=2) + "\n"


def _by_file(findings: list[Finding]) -> dict[str, list[Finding]]:
    by_file: dict[str, list[Finding]] = {}
    for finding in findings:
        by_file.setdefault(finding.file, []).append(finding)
    return by_file


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": rule.help, "markdown": rule.page.strip()},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["leak", rule.name]},
    }


def _notice(error: FileError) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": error.message},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(error.file)}}],
    }


def _result(finding: Finding, index: int, fingerprint: str | None) -> dict[str, Any]:
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
    }
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.tier],
        "rank": round(finding.confidence * 100, 1),
        "message": {"text": finding.message},
        "locations": [_location(finding.file, region)],
    }
    if fingerprint is not None:
        result["partialFingerprints"] = {FINGERPRINT: fingerprint}
    if finding.path:
        steps = [
            {"location": _location(step.file, {"startLine": step.line}, step.note)}
            for step in finding.path
        ]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    fixes = [_fix(fix) for fix in finding.fixes if fix.edits]
    if fixes:
        result["fixes"] = fixes
    result["properties"] = {
        "tier": finding.tier,
        "confidence": finding.confidence,
        "detectionResult": finding.detection_result,
        "resource": finding.resource,
    }
    return result


def _location(file: str, region: dict[str, int], note: str | None = None) -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": _artifact(file), "region": region}
    }
    if note is not None:
        place["message"] = {"text": note}
    return place


def _fix(fix: Fix) -> dict[str, Any]:
    by_file: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        by_file.setdefault(edit.file, []).append(edit)
    return {
        "description": {"text": fix.title},
        "artifactChanges": [
            {
                "artifactLocation": _artifact(file),
                "replacements": [_replacement(edit) for edit in edits],
            }
            for file, edits in by_file.items()
        ],
    }


def _replacement(edit: Edit) -> dict[str, Any]:
    (line, column), (end_line, end_column) = edit.start, edit.end
    return {
        "deletedRegion": {
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
        },
        "insertedContent": {"text": edit.text},
    }


def _artifact(file: str) -> dict[str, str]:
    uri = _uri(file)
    return {"uri": uri} if uri.startswith("file:") else {"uri": uri, "uriBaseId": _ROOT}


def _uri(file: str) -> str:
    """Name a file relative to the working directory, or by its whole path if it lies elsewhere."""
    path = os.path.abspath(file)
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        relative = os.pardir
    if relative.split(os.sep)[0] == os.pardir:
        return "file://" + quote(os.fsencode(path))
    return quote(os.fsencode(relative))
