"""``twistd ocpp-cp``: a charge point from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
from twisted.application.service import IService
from twisted.python import usage

from txocpp.chargepoint.options import Options as Settings
from txocpp.errors import ConfigurationError
from txocpp.plugins import configfile, logs


class Options(usage.Options):
    """Options of ``twistd ocpp-cp``. All settings are in the configuration file; some have an
    option here, which wins."""

    synopsis = "[options]"
    longdesc = (
        "An OCPP 1.6 charge point. Without any option it is CP-1 with one simulated EVSE, and "
        "connects to ws://127.0.0.1:9000/ocpp/CP-1. All settings: --print-example."
    )
    optParameters = [
        ["config", "c", None, "Configuration file (TOML)."],
        ["identity", "i", None, "Name of the charge point in the central system."],
        ["url", "u", None, "Central system: ws://HOST:PORT/PATH, without the identity."],
        ["storage", "s", None, "SQLite file for everything that must survive a power cut."],
        ["log-format", "l", "text", "text for people, json for programs: one object a line."],
    ]
    optFlags = [
        ["check", None, "Check the configuration, say whether it is good, and end."],
        ["print-example", None, "Print a configuration file with every option, and end."],
    ]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.settings = Settings()

    def postOptions(self) -> None:
        """Read the file and apply the options on top of it."""
        if self["print-example"]:
            sys.stdout.write(configfile.example(Settings))
            raise SystemExit(0)
        if self["log-format"] not in logs.FORMATS:
            raise usage.UsageError(f"--log-format is one of {', '.join(logs.FORMATS)}")
        try:
            self.settings = self._chosen()
            if self["check"]:
                self._check()
        except ConfigurationError as error:
            raise usage.UsageError(str(error)) from error

    def _chosen(self) -> Settings:
        settings = Settings()
        if self["config"] is not None:
            settings = configfile.load(Path(self["config"]), Settings)
        replace = msgspec.structs.replace
        if self["identity"] is not None:
            settings = replace(
                settings, station=replace(settings.station, identity=self["identity"])
            )
        if self["url"] is not None:
            settings = replace(
                settings, central_system=replace(settings.central_system, url=self["url"])
            )
        if self["storage"] is not None:
            settings = replace(settings, storage=replace(settings.storage, path=self["storage"]))
        return settings

    def _check(self) -> None:
        makeService(self)
        sys.stdout.write("the configuration is good\n")
        raise SystemExit(0)


def makeService(options: Options) -> IService:
    """The service that twistd runs."""
    from twisted.internet import reactor

    from txocpp.chargepoint.daemon import charge_point

    root: Any = logs.LoggingRoot(options["log-format"])
    try:
        charge_point(reactor, options.settings).setServiceParent(root)
    except ConfigurationError as error:
        raise usage.UsageError(_placed(str(error), options["config"])) from error
    return IService(root)


def _placed(fault: str, config: str | None) -> str:
    """The fault with file and line, if a name in it stands in the file."""
    if config is None:
        return fault
    text = Path(config).read_text("utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        name = line.partition("=")[0].strip().strip("\"'")
        if name and "=" in line and name in fault.replace("'", " ").replace(":", " ").split():
            return f"{config}: line {number}: {fault}"
    return f"{config}: {fault}"
