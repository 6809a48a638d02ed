"""What somebody gets who installs the wheel: run with the Python that has it, in any folder.

    python tests/wheel.py

Every file that is not Python is there, both roles are found by twistd, and the commands start. It
prints what is wrong and ends with status 1.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import files
from pathlib import Path

NEEDED = (
    "txocpp/py.typed",
    "txocpp/csms/pages/files/index.html",
    "txocpp/csms/pages/files/js/app.js",
    "txocpp/cli/esp8266_firmware/main.py",
    "txocpp/storage/schema/0001_initial.sql",
    "txocpp/storage/central/migrations/env.py",
    "twisted/plugins/txocpp_plugins.py",
)
COMMANDS = (
    ("twistd", "ocpp-cp", "--check"),
    ("twistd", "ocpp-csms", "--check", "--database", "central.sqlite3"),
    ("txocpp", "--help"),
    ("txocpp", "csms", "--help"),
    ("txocpp", "csms", "add-account", "anna", "--password", "a good long one", "-d", "a.sqlite3"),
)
"""The last one makes a database, by the migrations that came along."""


def faults() -> list[str]:
    """What is wrong with the installed package."""
    there = {str(file) for file in files("txocpp") or ()}
    found = [f"{name} is missing" for name in NEEDED if name not in there]
    outside = [name for name in there if name.startswith(("tests/", "bench/", "docs/"))]
    found += [f"{name} does not belong into it" for name in outside]
    programs = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        for name, *arguments in COMMANDS:
            done = subprocess.run(
                [programs / name, *arguments], cwd=folder, capture_output=True, text=True
            )
            if done.returncode != 0:
                found.append(f"{name} {' '.join(arguments)}: {done.stderr.strip()[-500:]}")
    return found


def main() -> int:
    """Print the faults; status 1 if there are any."""
    found = faults()
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
