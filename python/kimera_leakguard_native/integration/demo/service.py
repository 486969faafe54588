"""An HTTP service of Kimera's parts, with a slow leak of fields and a cache without a bound."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from kimera_leakguard_native.engines.cognitive_field.leak_detection import (
    CognitiveFieldDynamicsWithLeakDetection,
)
from kimera_leakguard_native.engines.contradiction.geoid import GeoidState
from kimera_leakguard_native.engines.contradiction.leak_detection import (
    OptimizedContradictionEngineWithLeakDetection,
)
from kimera_leakguard_native.engines.leak_safe_pool import LeakSafeGPUMemoryPool

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIMENSION = 1024
_GEOIDS = 100


class OverflowingCache:
    """Decisions by request, and nobody has thought of a bound: the planted overflow."""

    def __init__(self) -> None:
        self.cache: dict[int, bytes] = {}
        self.hit_count = 0
        self.miss_count = 0

    def decide(self, number: int) -> bytes:
        """Give the decision for a request."""
        known = self.cache.get(number)
        if known is not None:
            self.hit_count += 1
            return known
        self.miss_count += 1
        decision = self.cache[number] = bytes(2000)
        return decision


class DemoService:
    """Serves decisions over HTTP on loopback.

    Every request looks a decision up, leases a slot for its embedding, and adds a geoid to the
    fields, which nobody ever removes: the planted leak. Every tenth looks for contradictions.
    """

    def __init__(self) -> None:
        random = np.random.default_rng(7)
        vectors = random.standard_normal((_GEOIDS, _DIMENSION)).astype(np.float32)
        vectors[1] = -vectors[0]  # a contradiction to be found
        self.engine = OptimizedContradictionEngineWithLeakDetection(
            [GeoidState(f"geoid_{n}", embedding_vector=row) for n, row in enumerate(vectors)]
        )
        self.fields = CognitiveFieldDynamicsWithLeakDetection(_DIMENSION)
        self.pool = LeakSafeGPUMemoryPool(max_concurrent_fields=1000)
        self.cache = OverflowingCache()
        self.requests = 0
        self._vectors = vectors
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        sockets: Sequence[Any] = self._server.sockets
        port: int = sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Begin to serve."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Serve no more; open connections end with their client."""
        if self._server is not None:
            self._server.close()

    def handle(self, number: int) -> dict[str, Any]:
        """Answer one request."""
        self.requests += 1
        vector = self._vectors[number % _GEOIDS]
        decision = self.cache.decide(number)
        with self.pool.allocate_field_slot(f"request_{number}") as slot:
            self.pool.set_embedding(slot, vector)
        self.fields.add_geoid(f"decision_{number}", vector)
        contradictions = 0
        if number % 10 == 0:
            found = self.engine.detect_contradictions_faiss(None)
            contradictions = sum(len(each) for each in found.values())
        return {"request": number, "size": len(decision), "contradictions": contradictions}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (line := await reader.readline()).strip():
                while (await reader.readline()).strip():
                    pass  # headers
                status, body = self._answer(line)
                writer.write(
                    b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                    % (status, len(body), body)
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()

    def _answer(self, line: bytes) -> tuple[bytes, bytes]:
        try:
            number = int(line.split()[1].rpartition(b"/")[2])
        except (IndexError, ValueError):
            return b"404 Not Found", b"{}"
        try:
            return b"200 OK", json.dumps(self.handle(number)).encode()
        except Exception as error:  # noqa: BLE001 - one request must not end the service
            return b"500 Internal Server Error", json.dumps({"error": repr(error)}).encode()
