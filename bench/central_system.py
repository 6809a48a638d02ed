"""The central system under load: processor time per message and connection, memory, round trips.

The method: every server is started once and pinned to one core, the stations share the other.
Rounds go through the servers in turn, so that whatever else the machine does hits all of them
alike; what is compared is the 25th percentile of all windows of a server.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import attrs

from bench.figures import Table, Target, quantile, spoken, typical
from bench.stations import Stalled
from bench.subjects import (
    AUTOBAHN,
    ECHO,
    PYOCPP,
    TXOCPP,
    TXOCPP_SQLITE,
    Server,
    Subject,
)
from bench.talk import MIX

BATCH = 50
"""Stations that connect between two readings of the processor time."""
CALL_ROUNDS = 10
"""So often each server has its turn with a part of the calls."""
SETTLE_S = 0.05
"""Given to a server to finish what it does behind its answers, before its clock is read."""

Say = Callable[[str], None]


@attrs.frozen
class Plan:
    """How much to measure."""

    rounds: int = 9
    connections: int = 100
    idle: int = 1000
    """Connections for memory, round trips and the second load measurement."""
    in_flight: int = 64
    window_s: float = 0.4
    calls: int = 1000


@attrs.define
class Findings:
    """Everything measured, by server name; windows as they came."""

    message_us: dict[str, list[float]] = attrs.Factory(lambda: defaultdict(list))
    crowded_us: dict[str, list[float]] = attrs.Factory(lambda: defaultdict(list))
    connection_us: dict[str, list[float]] = attrs.Factory(lambda: defaultdict(list))
    connection_kib: dict[str, float] = attrs.Factory(dict)
    start_kib: dict[str, float] = attrs.Factory(dict)
    call_us: dict[str, list[float]] = attrs.Factory(lambda: defaultdict(list))
    call_cpu_us: dict[str, list[float]] = attrs.Factory(lambda: defaultdict(list))
    left_out: dict[str, str] = attrs.Factory(dict)


def cores() -> tuple[int | None, set[int]]:
    """One core for the servers, the others for the stations; None where there is only one."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        return None, set(available)
    return available[0], set(available[1:])


def measure(subjects: Sequence[Subject], plan: Plan, say: Say) -> Findings:
    """Start all servers, measure them in turn, stop them."""
    findings = Findings()
    server_core, own_cores = cores()
    before = os.sched_getaffinity(0)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="txocpp-bench-")))
        os.sched_setaffinity(0, own_cores)
        stack.callback(os.sched_setaffinity, 0, before)
        servers = []
        for subject in subjects:
            if subject.missing:
                findings.left_out[subject.name] = subject.missing
                continue
            try:
                server = Server(subject, server_core, folder)
            except Stalled as problem:
                findings.left_out[subject.name] = str(problem)
                continue
            stack.callback(server.stop)
            servers.append(server)
            findings.start_kib[subject.name] = server.resident_kib()
        course = Course(servers, findings, plan, say)
        course.run()
    return findings


class Course:
    """The order in which things are measured."""

    def __init__(self, servers: list[Server], findings: Findings, plan: Plan, say: Say) -> None:
        self.servers = servers
        self.findings = findings
        self.plan = plan
        self.say = say

    def run(self) -> None:
        """Few connections, many connections, round trips."""
        self.say(f"{self.plan.connections} connections each")
        self._connect(self.plan.connections, count=False)
        self._rounds(self.findings.message_us)
        if self.plan.idle > self.plan.connections:
            self.say(f"{self.plan.idle} connections each")
            before = {server.subject.name: server.resident_kib() for server in self.servers}
            more = self.plan.idle - self.plan.connections
            self._connect(more, count=True)
            for server in self.servers:
                name = server.subject.name
                self.findings.connection_kib[name] = (server.resident_kib() - before[name]) / more
            self._rounds(self.findings.crowded_us)
        if self.plan.calls >= CALL_ROUNDS:
            self.say("calls to stations")
            for _ in range(CALL_ROUNDS):
                self._each("calls", self._call)

    def _connect(self, wanted: int, *, count: bool) -> None:
        """Batches of all servers in turn; the first ones only warm them up."""

        def batch(server: Server, size: int) -> None:
            assert server.fleet is not None
            begin = server.processor_us()
            server.fleet.connect(size)
            time.sleep(SETTLE_S)
            if count:
                spent = server.processor_us() - begin
                self.findings.connection_us[server.subject.name].append(spent / size)

        for done in range(0, wanted, BATCH):
            size = min(BATCH, wanted - done)
            self._each("connecting", lambda server, size=size: batch(server, size))

    def _rounds(self, into: dict[str, list[float]]) -> None:
        def window(server: Server) -> None:
            assert server.fleet is not None
            begin = server.processor_us()
            messages = server.fleet.exchange(self.plan.window_s, self.plan.in_flight)
            time.sleep(SETTLE_S)
            into[server.subject.name].append((server.processor_us() - begin) / messages)

        self._each("scattering", self._scatter)
        for number in range(self.plan.rounds):
            self.say(f"round {number + 1} of {self.plan.rounds}")
            self._each("load", window)

    def _scatter(self, server: Server) -> None:
        assert server.fleet is not None
        server.fleet.scatter()

    def _call(self, server: Server) -> None:
        if server.subject.speaks_ocpp:
            name, calls = server.subject.name, self.plan.calls // CALL_ROUNDS
            begin = server.processor_us()
            self.findings.call_us[name].extend(server.time_calls(calls))
            self.findings.call_cpu_us[name].append((server.processor_us() - begin) / calls)

    def _each(self, what: str, do: Callable[[Server], None]) -> None:
        """In random order; a server that fails is left out from then on."""
        for server in random.sample(self.servers, len(self.servers)):
            try:
                do(server)
            except (Stalled, OSError) as problem:
                name = server.subject.name
                self.findings.left_out[name] = f"{what}: {problem}\n{server.complaints()}"
                self.say(f"{name} is left out: {problem}")
                self.servers.remove(server)


def _ratio(value: float | None, to: float | None) -> float | None:
    return None if value is None or not to else value / to


def _typical(windows: dict[str, list[float]], name: str) -> float | None:
    return typical(windows[name]) if windows.get(name) else None


def load_table(title: str, windows: dict[str, list[float]], names: Sequence[str]) -> Table:
    """Processor time per message and how it compares."""
    rows = []
    for name in names:
        us = _typical(windows, name)
        if us is None:
            continue
        rows.append(
            [
                name,
                spoken(us),
                (
                    f"{spoken(quantile(windows[name], 0.05))} .. "
                    f"{spoken(quantile(windows[name], 0.75))}"
                ),
                spoken(_ratio(_typical(windows, PYOCPP), us)),
                spoken(_ratio(us, _typical(windows, AUTOBAHN))),
            ]
        )
    header = ("server", "us / message", "5 % .. 75 %", "x less than PyPI ocpp", "x bare Autobahn")
    return Table(title, header, rows)


def connection_table(findings: Findings, names: Sequence[str]) -> Table:
    """What a connection costs."""
    rows = [
        [
            name,
            spoken(findings.connection_kib.get(name)),
            spoken(_typical(findings.connection_us, name)),
            spoken(findings.start_kib.get(name, 0) / 1024),
            spoken(quantile(findings.call_us[name], 0.5) if findings.call_us.get(name) else None),
            spoken(quantile(findings.call_us[name], 0.99) if findings.call_us.get(name) else None),
            spoken(_typical(findings.call_cpu_us, name)),
        ]
        for name in names
    ]
    return Table(
        "Central system: connections",
        (
            "server",
            "KiB / idle connection",
            "us / set-up",
            "MiB at start",
            "call p50 us",
            "call p99 us",
            "us CPU / call",
        ),
        rows,
        "Set-up is handshake and boot, processor time of the server. A call is a round trip to one "
        "station of those connected, begun in the server: wall-clock time, which other work on the "
        "machine makes longer, and processor time of the server.",
    )


def tables(findings: Findings, plan: Plan, subjects: Sequence[Subject]) -> list[Table]:
    """The report on everything measured here."""
    names = [s.name for s in subjects if findings.message_us.get(s.name)]
    found = [
        load_table(
            f"Central system: processor time per message, {plan.connections} connections",
            findings.message_us,
            names,
        )
    ]
    if findings.crowded_us:
        title = f"Central system: processor time per message, {plan.idle} connections"
        found.append(load_table(title, findings.crowded_us, names))
    found.append(connection_table(findings, names))
    found[0] = attrs.evolve(
        found[0],
        remark=f"Every station goes round and round through {MIX}. {plan.in_flight} calls are in "
        f"flight, one per station at most. 25th percentile of {plan.rounds} interleaved windows "
        f"of {plan.window_s:g} s.",
    )
    return found


def targets(findings: Findings) -> list[Target]:
    """What was promised for the central system."""
    found = []
    for windows, crowd, name in (
        (findings.message_us, "few connections", TXOCPP),
        (findings.crowded_us, "many connections", TXOCPP),
    ):
        ours = _typical(windows, name)
        if ours is None:
            continue
        of = f"per message, {crowd}"
        pyocpp, bare = _typical(windows, PYOCPP), _typical(windows, AUTOBAHN)
        rpc, echo = _typical(windows, "npm ocpp-rpc, strict"), _typical(windows, ECHO)
        found += [
            Target(f"{of}: less than PyPI ocpp", _ratio(pyocpp, ours), 7, 18, True),
            Target(f"{of}: of bare Autobahn", _ratio(ours, bare), 1.15, 0.55, False),
            Target(f"{of}: of Twisted's TCP echo", _ratio(ours, echo), None, 1.6, False),
            Target(f"{of}: less than ocpp-rpc strict", _ratio(rpc, ours), None, 1.25, True),
        ]
    stored = _ratio(
        _typical(findings.message_us, TXOCPP_SQLITE), _typical(findings.message_us, TXOCPP)
    )
    found.append(Target("with SQLite store, of without", stored, 2.5, 1.8, False))
    kib = findings.connection_kib.get(TXOCPP)
    found.append(Target("per idle connection", kib, 13, 8, False, " KiB"))
    setup = _ratio(
        _typical(findings.connection_us, PYOCPP), _typical(findings.connection_us, TXOCPP)
    )
    found.append(Target("connection set-up: less than PyPI ocpp", setup, 1.3, 2.3, True))
    for other, first, then in ((PYOCPP, 2, 4), ("npm ocpp-rpc, strict", 1, 2)):
        ours_us, theirs_us = findings.call_us.get(TXOCPP), findings.call_us.get(other)
        faster = (
            quantile(theirs_us, 0.5) / quantile(ours_us, 0.5) if ours_us and theirs_us else None
        )
        found.append(Target(f"call to a station: faster than {other}", faster, first, then, True))
    return found
