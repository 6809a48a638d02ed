"""Figures about the central system itself, for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from txocpp.csms.central import CentralSystem
from txocpp.csms.events import Event, Events

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Measures(Collector):
    """Counts what happens; asked by whoever draws the curves."""

    def __init__(self, central: CentralSystem, events: Events) -> None:
        self._central = central
        self._happened: Counter[tuple[str, str]] = Counter()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        events.listen(self._count, tuple(_COUNTED))

    def text(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Called by the registry."""
        yield GaugeMetricFamily(
            "txocpp_stations_connected", "Charge points on the line.", len(self._central.stations)
        )
        calls = CounterMetricFamily(
            "txocpp_calls_received", "Calls of charge points, by action.", labels=["action"]
        )
        for action, count in self._central.calls_received.items():
            calls.add_metric([action], count)
        yield calls
        for kind, (name, text, label) in _COUNTED.items():
            family = CounterMetricFamily(name, text, labels=[label])
            for (counted, value), count in self._happened.items():
                if counted == kind:
                    family.add_metric([value], count)
            yield family

    def _count(self, event: Event) -> None:
        counted = _COUNTED.get(event.kind)
        if counted is not None:
            value: Any = event.facts.get(counted[2])
            self._happened[event.kind, str(value)] += 1


_COUNTED = {
    "station.connected": ("txocpp_connections", "Connections made.", "protocol"),
    "station.booted": ("txocpp_boots", "Boots, by how they were answered.", "status"),
    "transaction.started": (
        "txocpp_transactions_started",
        "Transactions begun, by the status of the tag.",
        "status",
    ),
    "transaction.stopped": (
        "txocpp_transactions_stopped",
        "Transactions ended, by reason.",
        "reason",
    ),
    "operation.done": ("txocpp_operations", "Operations, by outcome.", "outcome"),
}
