"""What is measured: one process per server, with its processor time and memory read from /proc."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import attrs

from bench.stations import EchoStation, Fleet, Stalled, Station

HERE = Path(__file__).resolve().parent
NODE_PACKAGE = HERE.parent / "tests" / "node" / "package.json"


@attrs.frozen
class Subject:
    """A server that can be measured."""

    name: str
    """As the table shows it."""
    program: tuple[str, ...]
    path: str = "/ocpp"
    kind: type[Station] = Station
    speaks_ocpp: bool = True
    """False: it has no sessions to boot and no calls to make."""
    missing: str = ""
    """Why it cannot be measured here."""


def python_server(module: str, *arguments: str) -> tuple[str, ...]:
    """A server of this folder, run by this Python."""
    return (sys.executable, "-m", f"bench.servers.{module}", *arguments)


def ocpp_rpc() -> Subject:
    """The npm package, where Node and the package are there."""
    node = shutil.which("node")
    missing = "" if node else "Node.js is not installed"
    if not (NODE_PACKAGE.parent / "node_modules" / "ocpp-rpc").is_dir():
        missing = missing or "npm packages of tests/node are not installed"
    program = (node or "node", str(HERE / "servers" / "ocpp_rpc.mjs"), str(NODE_PACKAGE))
    return Subject("npm ocpp-rpc, strict", program, missing=missing)


TXOCPP = "txocpp, no store"
TXOCPP_SQLITE = "txocpp, SQLite store"
PYOCPP = "PyPI ocpp + websockets"
AUTOBAHN = "bare Autobahn, fixed JSON"
ECHO = "Twisted TCP echo, same bytes"


def subjects() -> list[Subject]:
    """Everything that the table can show, ours first."""
    return [
        Subject(TXOCPP, python_server("txocpp_library")),
        Subject(TXOCPP_SQLITE, python_server("txocpp_csms")),
        Subject(AUTOBAHN, python_server("autobahn_fixed")),
        Subject(PYOCPP, python_server("pyocpp")),
        ocpp_rpc(),
        Subject(ECHO, python_server("twisted_echo"), kind=EchoStation, speaks_ocpp=False),
    ]


def processor_us(pid: int) -> float:
    """Processor time of all threads of a process so far, user and system."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1000


def resident_kib(pid: int) -> float:
    """Memory of a process, its own and shared."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


class Server:
    """A subject at work, on its own processor core."""

    def __init__(self, subject: Subject, core: int | None, folder: Path) -> None:
        self.subject = subject
        self.folder = folder
        self.errors = (folder / f"{len(list(folder.iterdir()))}.log").open("w+")
        self.process = subprocess.Popen(
            subject.program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            cwd=HERE.parent,
            env={**os.environ, "BENCH_FOLDER": str(folder)},
        )
        if core is not None:
            os.sched_setaffinity(self.process.pid, {core})
        self.fleet: Fleet | None = None
        try:
            port = json.loads(self._line(30.0))["listening"]
        except (Stalled, ValueError) as problem:
            self.stop()
            raise Stalled(f"{subject.name} did not start: {problem}\n{self.complaints()}") from None
        self.fleet = Fleet(port, subject.path, subject.kind)

    def _line(self, within_s: float) -> bytes:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        line = b""
        deadline = time.monotonic() + within_s
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(descriptor, 4096) if ready else b""
            if not chunk:
                raise Stalled("it says nothing")
            line += chunk
        return line

    def processor_us(self) -> float:
        """Processor time so far."""
        return processor_us(self.process.pid)

    def resident_kib(self) -> float:
        """Memory now."""
        return resident_kib(self.process.pid)

    def time_calls(self, wanted: int) -> list[float]:
        """Let the server call stations one after the other; microseconds of each round trip."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.fleet is not None
        self.process.stdin.write(json.dumps({"call": wanted}).encode() + b"\n")
        self.process.stdin.flush()
        said: dict[str, Any] = json.loads(self.fleet.listen(self.process.stdout.fileno()))
        if "latencies_us" not in said:
            raise Stalled(f"{self.subject.name}: {said}")
        latencies: list[float] = said["latencies_us"]
        return latencies

    def complaints(self) -> str:
        """The end of its standard error."""
        self.errors.flush()
        self.errors.seek(0)
        return self.errors.read()[-2000:]

    def stop(self) -> None:
        """Close its standard input, which ends it; insist if it does not."""
        if self.fleet is not None:
            self.fleet.close()
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
