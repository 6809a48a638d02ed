#!/usr/bin/env python3
"""Set txocpp up in this folder and run something: demonstration, tests, checks, benchmarks.

    python3 start.py demo [OPTIONS]     a charging session under a limit, as it happens
    python3 start.py test [OPTIONS]     every test (options go to pytest)
    python3 start.py check [OPTIONS]    lint, types, floors, docs: everything else that tox runs
    python3 start.py bench [OPTIONS]    the benchmark table
    python3 start.py run COMMAND ...    anything, with the environment's programs first in PATH

It needs Python 3.11 or newer with venv, and the network for packages. Everything goes into the
folder .venv beside this file; delete it to start afresh.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")

GROUPS = {
    "demo": (),
    "run": (),
    "test": ("test", "api"),
    "bench": ("bench",),
    "check": ("tox",),
}


def say(text: str) -> None:
    """Tell the person what goes on; standard error, so that output can be piped."""
    print(f"start.py: {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, cwd: Path = HERE) -> None:
    """Run a step of the set-up; on failure say which one and stop."""
    finished = subprocess.run([str(part) for part in command], cwd=cwd, check=False)
    if finished.returncode != 0:
        say(f"this step failed: {' '.join(str(part) for part in command)}")
        raise SystemExit(finished.returncode)


def make_environment() -> None:
    """A virtual environment of its own, so that nothing of the machine is touched."""
    if (BIN / ("python.exe" if os.name == "nt" else "python")).exists():
        return
    say("making a virtual environment in .venv")
    try:
        venv.create(ENVIRONMENT, with_pip=True)
    except (subprocess.CalledProcessError, OSError) as problem:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        say(f"cannot make it ({problem}); on Debian and Ubuntu: apt install python3-venv")
        raise SystemExit(1) from None
    run(BIN / "python", "-m", "pip", "install", "--quiet", "--upgrade", "pip")


def stamp_is_fresh(name: str, *sources: Path) -> bool:
    """True if the step was done for exactly these files; otherwise note that it is done now."""
    digest = hashlib.sha256(b"".join(s.read_bytes() for s in sources)).hexdigest()
    stamp = ENVIRONMENT / f".{name}"
    if stamp.exists() and stamp.read_text() == digest:
        return True
    stamp.unlink(missing_ok=True)
    return False


def set_stamp(name: str, *sources: Path) -> None:
    """Note that the step is done for these files."""
    digest = hashlib.sha256(b"".join(s.read_bytes() for s in sources)).hexdigest()
    (ENVIRONMENT / f".{name}").write_text(digest)


def install(task: str) -> None:
    """The package itself (editable) and what the task needs besides."""
    project = HERE / "pyproject.toml"
    name = "installed-" + "-".join(GROUPS[task]) if GROUPS[task] else "installed"
    if stamp_is_fresh(name, project):
        return
    say("installing txocpp and what it needs (a minute or so, once)")
    groups = [option for group in GROUPS[task] for option in ("--group", group)]
    run(BIN / "python", "-m", "pip", "install", "--quiet", "--editable", ".", *groups)
    set_stamp(name, project)


def install_node_peers() -> None:
    """Foreign peers that run on Node.js; they are left out where it is missing."""
    npm = shutil.which("npm")
    if npm is None:
        say("Node.js is not here: its peers are left out")
        return
    for package in sorted(HERE.glob("tests/*/package.json")):
        folder = package.parent
        sources = (package, folder / "package-lock.json")
        name = f"node-{folder.name}"
        if (folder / "node_modules").exists() and stamp_is_fresh(name, *sources):
            continue
        say(f"installing the Node.js packages of tests/{folder.name}")
        run(npm, "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder)
        set_stamp(name, *sources)


def main(arguments: list[str]) -> int:
    """Set up what the task needs, then become it."""
    if sys.version_info < (3, 11):
        say(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
        return 1
    if not arguments or arguments[0] not in GROUPS:
        print(__doc__)
        return 0 if arguments and arguments[0] in ("-h", "--help", "help") else 2
    task, options = arguments[0], arguments[1:]
    make_environment()
    install(task)
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    os.environ["VIRTUAL_ENV"] = str(ENVIRONMENT)
    os.environ.setdefault("TXOCPP_COMMAND", "python3 start.py run txocpp")
    if task in ("test", "bench"):
        install_node_peers()
    if task == "run" and not options:
        say("run what? For example: python3 start.py run txocpp --help")
        return 2
    command = {
        "demo": [BIN / "txocpp", "demo", *options],
        "test": [BIN / "python", "-m", "pytest", "-n", "2", "--dist", "loadfile", *options],
        "check": [BIN / "tox", "run", *options],
        "bench": [BIN / "python", "-m", "bench", *options],
        "run": options,
    }[task]
    if task != "run":
        os.chdir(HERE)
    program = shutil.which(str(command[0])) or str(command[0])
    try:
        return subprocess.call([program, *map(str, command[1:])])
    except FileNotFoundError:
        say(f"there is no program {command[0]}")
        return 127
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
