"""Figures as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from txocpp import __version__
from txocpp.csms.measures import COUNTED, Measures

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Stored(NamedTuple):
    """What the store knows at this moment."""

    stations: int
    """Charge points that have ever been seen or entered."""
    running: int
    """Transactions."""
    power_w: float
    """Of them together, as their meters said last."""


def exposition(measures: Measures, stored: Stored | None) -> bytes:
    """All figures, as text."""
    registry = CollectorRegistry()
    registry.register(_Figures(measures, stored))
    # CPU, memory and open files of this process.
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Figures(Collector):
    """The figures of the moment."""

    def __init__(self, measures: Measures, stored: Stored | None) -> None:
        self._measures = measures
        self._stored = stored

    def collect(self) -> Iterable[Metric]:
        """Called by the registry."""
        yield InfoMetricFamily("txocpp_build", "What runs here.", {"version": __version__})
        yield GaugeMetricFamily(
            "txocpp_store_up", "1 while the store answers.", int(self._stored is not None)
        )
        if self._stored is not None:
            yield from _of_store(self._stored)
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


def _of_store(stored: Stored) -> Iterable[Metric]:
    yield GaugeMetricFamily(
        "txocpp_stations_known", "Charge points that were ever seen or entered.", stored.stations
    )
    yield GaugeMetricFamily("txocpp_transactions_running", "Transactions that run.", stored.running)
    yield GaugeMetricFamily(
        "txocpp_charging_power_watts",
        "Power of the transactions that run, as their meters said last.",
        stored.power_w,
    )
