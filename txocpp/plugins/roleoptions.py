"""What the command lines of the roles have in common: a file, a check, an example, a start."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from twisted.application.service import IService
from twisted.python import usage

from txocpp.errors import ConfigurationError
from txocpp.plugins import configfile, interrupts, logs
from txocpp.plugins.garbage import nothing_to_collect
from txocpp.plugins.pidfile import own_pid_file
from txocpp.plugins.servicenotes import service_notes

CONFIG_OPTION = ["config", "c", None, "Configuration file (TOML)."]
LOG_OPTION = ["log-format", "l", "text", "text for people, json for programs: one object a line."]


class RoleOptions(usage.Options):
    """Options of a daemon. All settings are in the configuration file; some have an option here,
    which wins."""

    program: ClassVar[str]
    """Its name behind ``twistd``, and before its errors."""
    kind: ClassVar[type[msgspec.Struct]]
    """All settings."""
    synopsis = "[options]"
    optFlags: ClassVar[list[Any]] = [
        ["check", None, "Check the configuration, say whether it is good, and end."],
        ["print-example", None, "Print a configuration file with every option, and end."],
    ]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.settings: Any = self.kind()

    def postOptions(self) -> None:
        """Read the file and apply the options on top of it."""
        if self.parent is not None:
            own_pid_file(self.parent, self.program)
            interrupts.end_at_once(self.program)
        if self["print-example"]:
            sys.stdout.write(self.example())
            raise SystemExit(0)
        if self["log-format"] not in logs.FORMATS:
            raise usage.UsageError(f"--log-format is one of {', '.join(logs.FORMATS)}")
        try:
            if self["config"] is not None:
                self.settings = configfile.load(Path(self["config"]), self.kind)
            self.settings = self.with_options(self.settings)
        except ConfigurationError as error:
            raise SystemExit(f"{self.program}: {error}") from error
        if self["check"]:
            with logs.warnings_shown():
                self.start()
            sys.stdout.write("the configuration is good\n")
            raise SystemExit(0)

    def example(self) -> str:
        """A file with every option."""
        return configfile.example(self.kind)

    def with_options(self, settings: Any) -> Any:
        """The settings with the options of the command line, which count more. May raise
        `ConfigurationError`."""
        raise NotImplementedError

    def start(self) -> IService:
        """The service that twistd runs."""
        raise NotImplementedError

    def assembled(self, root: Any, make: Callable[[Any, Any], Any]) -> IService:
        """`root` with what `make` builds from reactor and settings; a fault ends the program with
        one line that says where it is in the file."""
        from twisted.internet import reactor

        try:
            with nothing_to_collect(reactor):
                service = make(reactor, self.settings)
        except ConfigurationError as error:
            fault = configfile.placed(str(error), self["config"])
            raise SystemExit(f"{self.program}: {fault}") from error
        service.setServiceParent(root)
        notes = service_notes(reactor)
        if notes is not None:
            notes.setServiceParent(root)  # type: ignore[no-untyped-call]
        return IService(root)
