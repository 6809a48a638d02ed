"""What our daemons need before anything happens: time to start, memory at rest.

Beside them, in turn, a bare Autobahn server under twistd: the part that is not ours.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import attrs

from bench.figures import Table, Target, quantile, spoken
from bench.subjects import processor_us, resident_kib

HERE = Path(__file__).resolve().parent
TWISTD = (str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=")
BARE, CSMS, CP = "bare Autobahn", "ocpp-csms, SQLite, HTTP", "ocpp-cp, 2 simulated EVSEs, SQLite"
UPGRADE = (
    b"GET /ocpp/BENCH HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PATIENCE_S = 60.0
REST_S = 0.5
"""From readiness to the reading of memory."""


@attrs.frozen
class Row:
    """One daemon, typical of several starts."""

    what: str
    ready_s: float
    """From the command until a station has its WebSocket, or until the station connects."""
    processor_s: float
    resident_mib: float


def rows(rounds: int = 5) -> list[Row]:
    """Start each of them in turn, again and again."""
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="txocpp-bench-") as name:
        for number in range(rounds + 1):
            for what in (BARE, CSMS, CP):
                folder = Path(name) / what.split(",")[0]
                folder.mkdir(exist_ok=True)
                measured = _started(what, folder)
                if number:  # the first round makes the databases and fills the disk's cache
                    found[what].append(measured)
    return [
        Row(what, *(quantile([one[i] for one in measured], 0.25) for i in range(3)))
        for what, measured in found.items()
    ]


def tables(measured: Sequence[Row]) -> list[Table]:
    """The rows for people."""
    lines = [
        [row.what, spoken(row.ready_s), spoken(row.processor_s), spoken(row.resident_mib)]
        for row in measured
    ]
    header = ("under twistd", "s until ready", "s of CPU", "MiB at rest")
    remark = (
        "Started again on the files of the run before, as after an update or a power cut. Starting "
        "is work for one core; on a machine with other work, processor time is what to compare."
    )
    return [Table("Daemons: start and memory", header, lines, remark)]


def targets(measured: Sequence[Row]) -> list[Target]:
    """What was promised."""
    row = {row.what: row for row in measured}
    return [
        Target(
            "start of ocpp-csms over bare Autobahn, processor time",
            row[CSMS].processor_s - row[BARE].processor_s,
            0.3,
            0.05,
            more_is_better=False,
            unit=" s",
        ),
        Target(
            "start of ocpp-cp over bare Autobahn, processor time",
            row[CP].processor_s - row[BARE].processor_s,
            0.3,
            0.05,
            more_is_better=False,
            unit=" s",
        ),
        Target("memory of ocpp-cp", row[CP].resident_mib, 75, 60, False, " MiB"),
    ]


def _started(what: str, folder: Path) -> tuple[float, float, float]:
    """Seconds until ready, seconds of processor time, MiB at rest, of one start."""
    with socket.socket() as office:
        office.bind(("127.0.0.1", 0))
        port = office.getsockname()[1]
        if what == CP:
            office.listen()
        else:
            office.close()
        command, environment = _command(what, folder, port)
        began = time.monotonic()
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                command,
                cwd=HERE.parent,
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        try:
            if what == CP:
                office.settimeout(PATIENCE_S)
                office.accept()[0].close()
            else:
                _wait_for(port, process)
            ready_s = time.monotonic() - began
            spent_s = processor_us(process.pid) / 1e6
            time.sleep(REST_S)
            return ready_s, spent_s, resident_kib(process.pid) / 1024
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with (
            suppress(ConnectionError),
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as station,
        ):
            station.sendall(UPGRADE)
            if station.recv(4096).startswith(b"HTTP/1.1 101"):
                return
        time.sleep(0.002)
    raise RuntimeError("a daemon did not start")


def _command(what: str, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
    if what == BARE:
        tac = HERE / "servers" / "bare_autobahn.tac"
        return [*TWISTD, "-y", str(tac)], {"BENCH_PORT": str(port)}
    if what == CSMS:
        ocpp = f"tcp:{port}:interface=127.0.0.1"
        http = "tcp:0:interface=127.0.0.1"
        options = ["--database", str(folder / "central.sqlite3"), "--ocpp", ocpp, "--http", http]
        return [*TWISTD, "ocpp-csms", *options], {}
    file = folder / "cp.toml"
    file.write_text(
        f'[central_system]\nurl = "ws://127.0.0.1:{port}/ocpp"\n'
        f'[storage]\npath = "{folder / "journal.sqlite3"}"\n'
        '[[device]]\ntype = "simulated"\nconnectors = 2\n'
    )
    return [*TWISTD, "ocpp-cp", "--config", str(file)], {}
