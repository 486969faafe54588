"""Metrics for Prometheus, by its own client library; one process, or many that share a folder."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.exporters import http, pprof_endpoint
from kimera_leakguard_native.exporters.process_metrics import ProcessMetrics
from kimera_leakguard_native.runtime.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from threading import Thread
    from wsgiref.simple_server import WSGIServer

    from kimera_leakguard_native.exporters.families import Family, Source

_LOG = logging.getLogger(__name__)
_SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class PrometheusExporter:
    """Serves the families of its sources.

    Where ``PROMETHEUS_MULTIPROC_DIR`` is set, every process writes its own figures there every
    `interval` seconds, and whichever of them is scraped adds them up. Sites have no series of
    their own then: such files cannot forget a label.

    Parameters
    ----------
    sources : sequence of Source, optional
        `ProcessMetrics` by default. One that raises is logged once and left out of that scrape.
    interval : float
        Seconds, with several processes.

    Raises
    ------
    ConfigError
        prometheus-client is not installed.
    """

    def __init__(self, sources: Sequence[Source] | None = None, *, interval: float = 10.0) -> None:
        self._client = _client()
        self._sources: list[Source] = [ProcessMetrics()] if sources is None else list(sources)
        self._failed: set[int] = set()
        self._published: dict[str, Any] = {}
        self._counted: dict[tuple[str, tuple[str, ...]], float] = {}
        self.registry = self._client.CollectorRegistry(auto_describe=False)
        self._monitor: Monitor | None = None
        if os.environ.get(_SHARED_FOLDER):
            from prometheus_client import multiprocess

            multiprocess.MultiProcessCollector(self.registry)  # type: ignore[no-untyped-call]
            self._own = self._client.CollectorRegistry()
            self._monitor = Monitor(self.publish, interval, "klg-metrics")
            self._monitor.start()
        else:
            self.registry.register(self)

    def close(self) -> None:
        """End the thread that publishes, if there is one."""
        if self._monitor is not None:
            self._monitor.stop()

    def families(self) -> Iterator[Family]:
        """Give the families of all sources."""
        for number in range(len(self._sources)):
            yield from self._families_of(number)

    def _families_of(self, number: int) -> list[Family]:
        try:
            found = list(self._sources[number]())
        except Exception:  # noqa: BLE001 - the other sources are worth a scrape
            if number not in self._failed:
                self._failed.add(number)
                _LOG.exception("a source of metrics failed and is left out")
            return []
        self._failed.discard(number)
        return found

    def collect(self) -> Iterator[Any]:
        """Give the families as the client library takes them."""
        from prometheus_client import core

        kinds = {
            "gauge": core.GaugeMetricFamily,
            "counter": core.CounterMetricFamily,
        }
        for family in self.families():
            if family.kind == "info":
                made = core.InfoMetricFamily(family.name, family.help)
                for values, _ in family.samples:
                    made.add_metric([], dict(zip(family.labels, values, strict=True)))
            else:
                made = kinds[family.kind](family.name, family.help, labels=family.labels)
                for values, value in family.samples:
                    made.add_metric(values, value)
            yield made

    def publish(self) -> None:
        """Write this process's figures where the others find them."""
        for family in self.families():
            if "site" in family.labels or family.kind == "info":
                continue
            metric = self._published.get(family.name)
            if metric is None:
                metric = self._published[family.name] = self._make(family)
            for values, value in family.samples:
                child = metric.labels(*values) if values else metric
                if family.kind == "gauge":
                    child.set(value)
                else:
                    key = (family.name, values)
                    child.inc(max(0.0, value - self._counted.get(key, 0.0)))
                    self._counted[key] = value

    def _make(self, family: Family) -> Any:
        if family.kind == "gauge":
            return self._client.Gauge(
                family.name,
                family.help,
                family.labels,
                registry=self._own,
                multiprocess_mode="livesum",
            )
        return self._client.Counter(family.name, family.help, family.labels, registry=self._own)

    def render(self) -> tuple[bytes, str]:
        """Give the text of one scrape, and its content type."""
        return self._client.generate_latest(self.registry), self._client.CONTENT_TYPE_LATEST

    def asgi_app(self) -> Callable[..., Any]:
        """Give an ASGI application that serves ``/metrics``, to be mounted."""
        made: Callable[..., Any] = self._client.make_asgi_app(self.registry)
        return made

    def wsgi_app(self) -> Callable[[Any, Any], Iterable[bytes]]:
        """Give a WSGI application that does."""
        made: Callable[[Any, Any], Iterable[bytes]] = self._client.make_wsgi_app(self.registry)
        return made

    def serve(self, port: int, address: str = "127.0.0.1") -> tuple[WSGIServer, Thread]:
        """Serve ``/metrics``, and ``/debug/pprof/heap``, on a thread of its own.

        Returns
        -------
        server, thread
            ``server.shutdown()`` ends it.
        """
        paths = {"/debug/pprof/heap": pprof_endpoint.wsgi_app}
        return http.serve(paths, self.wsgi_app(), port, address)


def _client() -> Any:
    try:
        import prometheus_client
    except ImportError:
        raise ConfigError(
            "metrics need prometheus-client: pip install 'kimera-leakguard-native[metrics]'"
        ) from None
    return prometheus_client
