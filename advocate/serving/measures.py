"""The service's own figures, for Prometheus.

With several processes each writes its own into files of one folder (prometheus-client's multiprocess mode),
and whichever process is asked adds them up. The library looks for `FOLDER` when it is imported, so a process
must have it from its start, or never.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from recs.served import ServedLog

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class Measures:
    """What one process counts.

    Args:
        bundle: the bundle that answers now, if there is one, and the UNIX time at which its day ended.
    """

    def __init__(self, bundle: Callable[[], tuple[str, float] | None]) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter("requests", "Requests answered.", "route", "method", "status")
        self._seconds = Histogram(
            "advocate_request_seconds",
            "Seconds from the first byte read to the last one written.",
            ["route"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._answers = self._counter(
            "answers", "Lists told, by the step of the chain they came from.", "call", "source", "arm"
        )
        self._served = self._counter("served_lists", "Lists for the log of served lists.", "outcome")
        self._events = self._counter("events_stored", "Live events that were new.")
        self._noted = {"written": 0, "dropped": 0, "failed": 0}
        self._noting = threading.Lock()
        self._bundle = bundle
        self._children: dict[tuple[Counter, tuple[str, ...]], Counter] = {}
        self._times: dict[str, Histogram] = {}

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts a request."""
        self._child(self._requests, route, method, str(status)).inc()
        if (timed := self._times.get(route)) is None:
            timed = self._times[route] = self._seconds.labels(route)
        timed.observe(seconds)

    def answered(self, call: str, source: str, arm: str) -> None:
        """Counts an answer."""
        self._child(self._answers, call, source, arm).inc()

    def stored(self, events: int) -> None:
        """Counts events that were stored."""
        self._events.inc(events)

    def note(self, log: ServedLog | None) -> None:
        """Takes over what the log of served lists counted since it was last asked."""
        if log is None:
            return
        with self._noting:  # the event loop and a thread that makes a page may be here at once
            for outcome, before in self._noted.items():
                now = getattr(log, outcome)
                self._child(self._served, outcome).inc(now - before)
                self._noted[outcome] = now

    def page(self) -> bytes:
        """All figures of all processes, as Prometheus reads them."""
        registry = CollectorRegistry()
        if FOLDER in os.environ:
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types there
        else:
            registry.register(_Of(self._registry))
        registry.register(_Bundle(self._bundle))
        return generate_latest(registry)

    def _counter(self, name: str, said: str, *labels: str) -> Counter:
        return Counter(f"advocate_{name}", said, labels, registry=self._registry)

    def _child(self, counter: Counter, *labels: str) -> Counter:
        """A counter for some labels; the library's own search for it takes longer than counting."""
        found = self._children.get((counter, labels))
        if found is None:
            found = self._children[counter, labels] = counter.labels(*labels)
        return found


class _Of(Collector):
    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        yield from self._registry.collect()


class _Bundle(Collector):
    """Of the bundle; the same in every process, so that whoever is asked may say it."""

    def __init__(self, bundle: Callable[[], tuple[str, float] | None]) -> None:
        self._bundle = bundle

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("advocate_bundle", "The bundle that answers.", labels=["bundle_id"])
        age = GaugeMetricFamily("advocate_bundle_age_seconds", "Seconds since the end of the day it knows.")
        if (found := self._bundle()) is not None:
            info.add_metric([found[0]], 1)
            age.add_metric([], max(0.0, time.time() - found[1]))
        yield from (info, age)
