"""Figures as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from txocpp.csms.measures import COUNTED, Measures

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def exposition(measures: Measures) -> bytes:
    """All figures, as text."""
    registry = CollectorRegistry()
    registry.register(_Figures(measures))
    return generate_latest(registry)


class _Figures(Collector):
    """The figures of the moment."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    def collect(self) -> Iterable[Metric]:
        """Called by the registry."""
        yield GaugeMetricFamily(
            "txocpp_stations_connected",
            "Charge points on the line.",
            self._measures.stations_connected,
        )
        calls = CounterMetricFamily(
            "txocpp_calls_received", "Calls of charge points, by action.", labels=["action"]
        )
        for action, count in self._measures.calls_received.items():
            calls.add_metric([action], count)
        yield calls
        for kind, (name, text, label) in COUNTED.items():
            family = CounterMetricFamily(name, text, labels=[label])
            for (counted, value), count in self._measures.happened.items():
                if counted == kind:
                    family.add_metric([value], count)
            yield family
