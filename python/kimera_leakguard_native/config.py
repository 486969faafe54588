"""Settings: `[tool.kimera-leakguard]` in pyproject.toml, then `KLG_*`, then the command line."""

from __future__ import annotations

import difflib
import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.model.finding import TIERS

TABLE = "kimera-leakguard"
MODEL_TABLES = ("resources", "objects", "acquire", "methods")
"""Tables of pyproject.toml that describe resources; see docs/resources.md."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default.

    Attributes
    ----------
    select : tuple of str
        Rule codes or prefixes to report; empty means all.
    tier : tuple of str
        Tiers to report besides what has evidence; see `klg check --help`.
    jobs : int
        Processes of `klg check`; 0 means one a core.
    symbolic : bool
        Whether z3 decides whether a leaking path is feasible.
    cache : bool
        Whether `klg check` keeps its results for the next run.
    cache_dir : str
        Where it keeps them; empty means `.klg-cache` beside pyproject.toml or .git.
    sample_bytes : int
        Mean bytes between two samples of the run-time sampler.
    interval : float
        Seconds between two snapshots.
    native : str
        ``off`` or ``got``: whether C allocations are seen by patching import tables.
    resource_models : str
        The tables of `MODEL_TABLES` in pyproject.toml, as JSON.
    """

    select: tuple[str, ...] = ()
    tier: tuple[str, ...] = ()
    jobs: int = 1
    symbolic: bool = True
    cache: bool = True
    cache_dir: str = ""
    sample_bytes: int = 512 * 1024
    interval: float = 1.0
    native: str = "off"
    resource_models: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with the source of each value, for `klg config`."""

    settings: Settings
    sources: dict[str, str] = field(default_factory=dict)


def load(start: Path | None = None, overrides: dict[str, Any] | None = None) -> Loaded:
    """Read the settings that hold in a directory.

    Parameters
    ----------
    start : Path, optional
        Where to look for pyproject.toml, there and above; the working directory by default.
    overrides : dict, optional
        Values of the command line; None values are ignored.

    Raises
    ------
    ConfigError
        An unknown key (with a suggestion), or a value of the wrong type or range.
    """
    values: dict[str, Any] = {}
    sources = {item.name: "default" for item in fields(Settings)}
    for source, layer in (
        *_from_pyproject(start or Path.cwd()),
        *_from_environment(),
        ("command line", {k: v for k, v in (overrides or {}).items() if v is not None}),
    ):
        for key, value in layer.items():
            name = key.replace("-", "_")
            values[name] = _checked(name, value, source)
            sources[name] = source
    return Loaded(Settings(**values), sources)


def disabled() -> bool:
    """Whether `KLG_DISABLE` makes every entry point a no-op."""
    return os.environ.get("KLG_DISABLE", "").strip().lower() in {"1", "true", "yes", "on"}


def _from_pyproject(start: Path) -> list[tuple[str, dict[str, Any]]]:
    for folder in (start.resolve(), *start.resolve().parents):
        path = folder / "pyproject.toml"
        if not path.is_file():
            continue
        import msgspec

        try:
            table = msgspec.toml.decode(path.read_bytes())
        except (msgspec.DecodeError, OSError) as error:
            message = f"{path}: cannot be read: {error}"
            raise ConfigError(message) from error
        layer = table.get("tool", {}).get(TABLE) if isinstance(table, dict) else None
        if layer is None:
            continue
        return [(f"{path} [tool.{TABLE}]", _with_models(layer))]
    return []


def _with_models(layer: dict[str, Any]) -> dict[str, Any]:
    """Put the tables with resource models, which the analysis knows how to read, into one value."""
    models = {key: layer[key] for key in MODEL_TABLES if key in layer}
    if not models:
        return layer
    kept = {key: value for key, value in layer.items() if key not in models}
    return {**kept, "resource-models": json.dumps(models, sort_keys=True, default=str)}


def _from_environment() -> list[tuple[str, dict[str, Any]]]:
    known = {f"KLG_{item.name.upper()}": item.name for item in fields(Settings)}
    return [
        (f"env {key}", {known[key]: value}) for key, value in os.environ.items() if key in known
    ]


def _checked(name: str, value: Any, source: str) -> Any:
    defaults = {item.name: item.default for item in fields(Settings)}
    if name not in defaults:
        close = difflib.get_close_matches(name, defaults, n=1)
        hint = f"; did you mean '{close[0].replace('_', '-')}'?" if close else ""
        message = f"{source}: unknown setting '{name.replace('_', '-')}'{hint}"
        raise ConfigError(message)
    try:
        converted = _convert(value, defaults[name])
        _RANGES.get(name, lambda _: None)(converted)
    except (TypeError, ValueError) as error:
        message = f"{source}: {name.replace('_', '-')} = {value!r}: {error}"
        raise ConfigError(message) from error
    return converted


def _convert(value: Any, default: Any) -> Any:
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        words = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}
        if isinstance(value, str) and value.lower() in words:
            return words[value.lower()]
        raise TypeError("expected true or false")
    if isinstance(default, tuple):
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)) or not all(isinstance(x, str) for x in items):
            raise TypeError("expected a list of strings")
        return tuple(item.strip() for item in items if item.strip())
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(f"expected {type(default).__name__}")
    return type(default)(value)


def _at_least(minimum: float) -> Any:
    def check(value: float) -> None:
        if value < minimum:
            raise ValueError(f"expected at least {minimum}")

    return check


def _one_of(*allowed: str) -> Any:
    def check(value: str | tuple[str, ...]) -> None:
        for item in (value,) if isinstance(value, str) else value:
            if item not in allowed:
                raise ValueError(f"'{item}' is not one of {', '.join(allowed)}")

    return check


_RANGES: dict[str, Any] = {
    "jobs": _at_least(0),
    "sample_bytes": _at_least(1),
    "interval": _at_least(0.01),
    "native": _one_of("off", "got"),
    "tier": _one_of(*TIERS),
}
