"""``txocpp sim serve`` as a process, and its settings."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from txocpp.cli import main
from txocpp.cli.sim_serve import settings_table


def test_settings_for_all_connectors_and_for_one() -> None:
    """As the table of a configuration file."""
    assert settings_table(("car_max_a=10", "lock=true", "2.car_phases=1")) == {
        "car_max_a": 10,
        "lock": True,
        "connector": {"2": {"car_phases": 1}},
    }
    for wrong in ("car_max_a", "car_max_a=much"):
        with pytest.raises(click.UsageError, match="expected NAME=VALUE"):
            settings_table((wrong,))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--listen", "tcp:0"], "needs a key"),
        (["--insecure", "--set", "car_max_a=0"], "car_max_a: 0 is not within"),
        (["--insecure", "--control", "tcp:1:interface=8.8.8.8"], "other machines"),
        (["--key-file", "/nowhere/key"], "key file /nowhere/key: No such file"),
        (["--insecure", "--listen", "tcp:0", "--control", "unix:/nowhere/door"], "cannot listen"),
    ],
)
def test_what_cannot_be_served(words: list[str], why: str) -> None:
    """One line says why, and the status shows it."""
    served = subprocess.run(
        [sys.executable, "-m", "txocpp", "sim", "serve", *words],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert served.returncode == 1
    assert why in served.stderr
    assert "Traceback" not in served.stderr


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """Poked by its door, it ends with the signal and remembers the car."""
    door, memory = tmp_path / "door", tmp_path / "memory.json"
    served = subprocess.Popen(
        [
            *(sys.executable, "-m", "txocpp", "sim", "serve", "--connectors", "2"),
            *("--listen", f"pty:{tmp_path / 'ttyBOX'}", "--control", f"unix:{door}"),
            *("--memory", str(memory), "--insecure", "--serial-number", "BOX-7"),
        ],
        stderr=subprocess.PIPE,
    )
    try:
        for _ in range(200):
            if door.exists():
                break
            time.sleep(0.05)
        runner = CliRunner()
        plugged = runner.invoke(main, ["sim", "--at", str(door), "plug", "2"])
        assert (plugged.exit_code, plugged.output) == (0, "")
        state = runner.invoke(main, ["sim", "--at", str(door), "state", "--json"])
        assert "BOX-7" in state.output
        assert (tmp_path / "ttyBOX").is_symlink()
    finally:
        served.send_signal(signal.SIGTERM)
        errors = served.communicate(timeout=30)[1].decode()
    assert "Traceback" not in errors
    assert '"plugged": true' in memory.read_text()
    assert not door.exists()
