"""The files for systemd and containers: well-formed, and what they run does what they say."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import processes
import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
LIMIT_S = 60.0


def service_of(unit: Path) -> Any:
    """The section [Service] of a unit."""
    parser = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(unit)
    assert set(parser.sections()) == {"Unit", "Service", "Install"}
    return parser["Service"]


def instructions(file: Path) -> list[tuple[str, str]]:
    """The instructions of a Containerfile."""
    text = re.sub(r"\\\n\s*", " ", re.sub(r"(?m)^#.*\n", "", file.read_text()))
    return [
        (line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in text.splitlines() if line.strip()
    ]


@contextmanager
def running(command: list[str], folder: Path, **environment: str) -> Iterator[Any]:
    """A program in the foreground, killed at the end."""
    log = folder / "log"
    with log.open("wb") as out:
        program = subprocess.Popen(
            command,
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **environment},
        )
    try:
        yield program
    except BaseException:
        print(log.read_text())
        raise
    finally:
        program.kill()
        program.wait()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_likes_the_units(unit: Path, tmp_path: Path) -> None:
    """Its own checker has nothing to say, once the program is where the unit expects it."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not here")
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace("/opt/txocpp/bin/", f"{BIN}/"))
    checked = subprocess.run(
        [analyze, "verify", "--man=no", str(here)], capture_output=True, text=True, timeout=60
    )
    assert unit.name not in checked.stderr + checked.stdout, checked.stderr
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_what_a_unit_runs_comes_up_and_says_so(unit: Path, tmp_path: Path) -> None:
    """The very command, with the configuration and the folder that systemd would give it: it is
    ready, gives signs of life, stores everything in its folder, and says when it stops."""
    service = service_of(unit)
    role = unit.stem
    short = role.removeprefix("ocpp-")
    port = processes.free_port()
    (tmp_path / f"{short}.toml").write_text(
        f'[listen]\nocpp = ["tcp:{port}:interface=127.0.0.1"]\nhttp = ""\n'
        if short == "csms"
        else f'[central_system]\nurl = "ws://127.0.0.1:{port}/ocpp"\n'
    )
    state = tmp_path / "state"
    state.mkdir()
    line = service["ExecStart"].replace("%d", str(tmp_path))
    command = shlex.split(line.replace("/opt/txocpp/bin/", f"{BIN}/"))
    assert service["LoadCredential"].startswith(f"{short}.toml:/etc/txocpp/{short}.toml")
    assert (service["Type"], service["DynamicUser"], service["StateDirectory"]) == (
        "notify", "yes", role,
    )  # fmt: skip
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(LIMIT_S)
        watchdog_us = int(service["WatchdogSec"]) * 1_000_000
        with running(
            command,
            tmp_path,
            STATE_DIRECTORY=str(state),
            NOTIFY_SOCKET=str(tmp_path / "notify"),
            WATCHDOG_USEC=str(watchdog_us),
        ) as program:
            assert systemd.recv(100) == b"READY=1"
            assert systemd.recv(100) == b"WATCHDOG=1"
            program.terminate()
            assert systemd.recv(100) == b"STOPPING=1"
            assert program.wait(LIMIT_S) in (0, -15)
    stored = [path.name for path in state.iterdir() if path.suffix == ".sqlite3"]
    assert stored == ["central.sqlite3" if short == "csms" else "CP-1.sqlite3"]
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{short}.toml", "state", "notify", "log",
    }  # fmt: skip


def test_what_the_container_runs_needs_an_account_and_gets_healthy(tmp_path: Path) -> None:
    """Without an account it refuses to open its pages to others, and says what to do; with one
    the very command of the image comes up, and its health check says so."""
    said = dict(instructions(DEPLOY / "container" / "Containerfile"))
    ports = {"tcp:9000": processes.free_port(), "tcp:8080": processes.free_port()}
    command = [f"tcp:{ports[part]}" if part in ports else part for part in json.loads(said["CMD"])]
    health = json.loads(said["HEALTHCHECK"].partition("CMD ")[2])
    health = [part.replace(":8080", f":{ports['tcp:8080']}") for part in health]
    command[0], health[0] = str(BIN / command[0]), str(BIN / health[0])
    state = {"STATE_DIRECTORY": str(tmp_path)}
    with running(command, tmp_path, **state) as refused:
        assert refused.wait(LIMIT_S) == 1
    assert "txocpp csms add-account NAME" in (tmp_path / "log").read_text()
    subprocess.run(
        [BIN / "txocpp", "csms", "add-account", "anna", "--password", "a good long one"],
        env={**os.environ, **state},
        check=True,
        timeout=LIMIT_S,
    )
    with running(command, tmp_path, **state) as program:
        give_up_at = time.monotonic() + LIMIT_S
        while subprocess.run(health, capture_output=True, timeout=LIMIT_S).returncode != 0:
            assert program.poll() is None
            assert time.monotonic() < give_up_at
        program.terminate()
        program.wait(LIMIT_S)
    assert subprocess.run(health, capture_output=True, timeout=LIMIT_S).returncode == 1


def test_the_image_has_everything_and_no_privilege() -> None:
    """Two stages, a user that is not root, a volume; what the build needs is in its context."""
    said = instructions(DEPLOY / "container" / "Containerfile")
    words = [word for word, _ in said]
    assert words.count("FROM") == 2
    assert dict(said)["USER"] == "10001"
    volume = dict(said)["VOLUME"]
    assert f"STATE_DIRECTORY={volume}" in dict(said)["ENV"]
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    for needed in allowed:
        assert (ROOT / needed).exists()
    project = (ROOT / "pyproject.toml").read_text()
    assert {"pyproject.toml", "README.md", "LICENSE", "txocpp", "firmware/esp8266"} <= allowed
    for source in re.findall(r'^"([^"]+)" = "', project.partition("force-include]")[2], re.M)[:2]:
        assert any(source.startswith(one) for one in allowed)


def test_the_compose_file_names_what_there_is() -> None:
    """Paths lead somewhere, and every volume is declared."""
    file = DEPLOY / "container" / "compose.yaml"
    text = file.read_text()
    context = re.search(r"context: (\S+)", text)
    containerfile = re.search(r"dockerfile: (\S+)", text)
    assert context
    assert containerfile
    assert ((file.parent / context[1]).resolve() / containerfile[1]).exists()
    declared = set(re.findall(r"^  ([a-z-]+):$", text.partition("\nvolumes:\n")[2], re.M))
    used = set(re.findall(r"- ([a-z-]+):/var/lib/txocpp", text))
    assert used == declared
