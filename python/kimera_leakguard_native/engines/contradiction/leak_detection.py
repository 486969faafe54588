"""The contradiction engine under a guardian, announced to whoever watches components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.engines.contradiction.engine import OptimizedContradictionEngine
from kimera_leakguard_native.guardian.announcements import announce
from kimera_leakguard_native.guardian.decorator import analyze_for_leaks
from kimera_leakguard_native.guardian.shared import get_memory_leak_guardian, track_memory_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimera_leakguard_native.engines.contradiction.tension import Geoid


class OptimizedContradictionEngineWithLeakDetection(OptimizedContradictionEngine):
    """`OptimizedContradictionEngine` whose detections are tracked blocks, analysed for leaks.

    It is registered as ``contradiction_engine`` with the integrator of the process.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.leak_guardian = get_memory_leak_guardian()
        announce("contradiction_engine", self)

    def allocation_usage(self) -> tuple[int, int]:
        """Give the number of held geoids and the bytes of their embeddings."""
        embeddings = list(self.embeddings.values())
        return len(embeddings), sum(_size(each) for each in embeddings)

    @analyze_for_leaks
    def detect_contradictions_faiss(
        self, geoids: Sequence[str | Geoid] | None = None
    ) -> dict[str, list[str]]:
        """Find what `detect_contradictions` finds, as a tracked block."""
        with track_memory_block("faiss_contradiction_detection"):
            return super().detect_contradictions_faiss(geoids)


def _size(embedding: Any) -> int:
    size = getattr(embedding, "nbytes", None)
    # A list holds a pointer and a float object for every number.
    return int(size) if size is not None else 32 * len(embedding or ())
