"""The example programs, run as they are, and what the README shows of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import processes

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A program whose output can be read; it is killed after a while, and at the end."""
    running = subprocess.Popen(
        [sys.executable, "-u", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "default"},
    )
    too_long = threading.Timer(LIMIT_S, running.kill)
    too_long.start()
    try:
        yield running
    finally:
        too_long.cancel()
        running.kill()
        running.wait()
        assert running.stdout is not None
        running.stdout.close()


def read_until(running: subprocess.Popen[str], *wanted: str) -> str:
    """Everything the program says up to the line that completes what is wanted."""
    assert running.stdout is not None
    said = ""
    for line in running.stdout:
        said += line
        if all(words in said for words in wanted):
            return said
    raise AssertionError(f"it never said {wanted}, but:\n{said}")


def test_the_two_examples_charge_with_each_other() -> None:
    """The charge point of the one begins gently, as the central system of the other says."""
    port = processes.free_port()
    endpoint = f"tcp:{port}:interface=127.0.0.1"
    url = f"ws://127.0.0.1:{port}/ocpp"
    with (
        program(str(ROOT / "examples" / "central_system.py"), endpoint) as central,
        program(str(ROOT / "examples" / "charge_point.py"), url) as charge_point,
    ):
        read_until(central, "EXAMPLE: connector 1 is Charging", "'Accepted'")
        said = read_until(charge_point, "Charging 10 A")
        assert "TxDefaultProfile 1" in said
        assert "Traceback" not in said


def test_the_readme_shows_code_that_is_there() -> None:
    """Each block of Python in the README is part of an example file."""
    readme = (ROOT / "README.md").read_text()
    examples = "\n".join(path.read_text() for path in sorted((ROOT / "examples").glob("*.py")))
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert blocks
    for block in blocks:
        assert block in examples


def test_links_between_the_pages_lead_somewhere() -> None:
    """Every relative link in the README, in docs/ and in deploy/ names a file."""
    pages = [ROOT / "README.md", ROOT / "deploy" / "README.md", *(ROOT / "docs").glob("*.md")]
    missing = [
        f"{page.name}: {target}"
        for page in sorted(pages)
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert missing == []
