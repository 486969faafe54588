"""What run-time tracking reports: sites, their stacks and the verdict on each."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from kimera_leakguard_native.model.finding import Finding  # noqa: TC001 - resolvable hints
from kimera_leakguard_native.model.frame import Frame  # noqa: TC001 - resolvable hints
from kimera_leakguard_native.model.profile import HeapProfile  # noqa: TC001 - resolvable hints

VERDICTS = ("leak", "warm-up", "bounded", "retention", "native", "undecided")
"""What a site can be called; a whole process can also be ``clean``."""


@dataclass(frozen=True, slots=True)
class SiteVerdict:
    """A place that allocates, and what its objects' ages say about it.

    Attributes
    ----------
    file, line, function : str or None, int, str
        The first application frame; `file` is None for native growth that no site explains.
    live_bytes : int
        Estimated bytes alive now.
    growth_bytes_per_s : float
        Estimated net growth over the second half of the observation.
    verdict : str
        One of `VERDICTS`.
    confidence : float
        In [0, 1].
    stack : tuple of Frame
        Innermost call first.
    evidence : str
        The reason in words and numbers.
    finding : str or None
        Code of the static finding that explains the growth.
    """

    file: str | None
    line: int
    function: str
    live_bytes: int
    growth_bytes_per_s: float
    verdict: str
    confidence: float
    stack: tuple[Frame, ...] = ()
    evidence: str = ""
    finding: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the site as the JSON report has it."""
        return asdict(self)


@dataclass(slots=True)
class RunReport:
    """The result of one observed run; the fields of `klg run --report`.

    Attributes
    ----------
    sites : list of SiteVerdict
        By growth, the fastest first; at most 1,000.
    findings : list of Finding
        Static findings that explain a site.
    ended : float
        Seconds since the epoch; 0 where it is not known.
    timeline : list of (float, int)
        Seconds since the start, and resident bytes then.
    profile : HeapProfile or None
        By stack, as `klg export` takes it; None where nothing was sampled.
    """

    duration_s: float
    samples: int
    sample_bytes_effective: float
    allocated_bytes_estimate: float
    overhead: dict[str, float]
    process: dict[str, int]
    sites: list[SiteVerdict] = field(default_factory=list)
    process_verdict: str = "undecided"
    findings: list[Finding] = field(default_factory=list)
    ended: float = 0.0
    timeline: list[tuple[float, int]] = field(default_factory=list)
    profile: HeapProfile | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the report as `klg run --report` writes it."""
        return {"version": 1, **asdict(self)}
