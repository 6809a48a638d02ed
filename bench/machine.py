"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("twisted", "autobahn", "msgspec", "ocpp", "websockets")


def _line_of(path: str, word: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(word)), "")


def _version(package: str) -> str:
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return f"no {package}"


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        return "no Node.js"
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return f"Node.js {said.stdout.strip().lstrip('v')}"


def description() -> str:
    """A paragraph about processor, system, versions and how busy the machine was."""
    processor = _line_of("/proc/cpuinfo", "model name") or platform.processor()
    memory_kib = int(_line_of("/proc/meminfo", "MemTotal").split()[0] or 0)
    load = os.getloadavg()[0]
    return (
        f"Machine: {len(os.sched_getaffinity(0))} cores of {processor}, "
        f"{memory_kib / 1024 / 1024:.0f} GiB, {platform.system()} {platform.release()}, "
        f"load average {load:.1f} when the report was written. "
        f"{platform.python_implementation()} {platform.python_version()}; "
        f"{', '.join(_version(package) for package in PACKAGES)}; {_node()}.\n"
    )
