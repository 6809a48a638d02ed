"""``twistd ocpp-cp``: a charge point from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import attrs
import msgspec
from twisted.application.service import IService
from twisted.python import usage

from txocpp.chargepoint.keys import EXTRA_KEYS, LARGEST, STANDARD_KEYS, Access, Key, Kind
from txocpp.chargepoint.options import Options as Settings
from txocpp.errors import ConfigurationError
from txocpp.plugins import configfile, interrupts, logs
from txocpp.plugins.garbage import nothing_to_collect
from txocpp.plugins.pidfile import own_pid_file
from txocpp.plugins.servicenotes import service_notes
from txocpp.smartcharging import Switches


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
        if self.parent is not None:
            own_pid_file(self.parent, "ocpp-cp")
            interrupts.end_at_once("ocpp-cp")
        if self["print-example"]:
            sys.stdout.write(example())
            raise SystemExit(0)
        if self["log-format"] not in logs.FORMATS:
            raise usage.UsageError(f"--log-format is one of {', '.join(logs.FORMATS)}")
        try:
            self.settings = self._chosen()
            if self["check"]:
                self._check()
        except ConfigurationError as error:
            raise SystemExit(f"ocpp-cp: {error}") from error

    def _chosen(self) -> Settings:
        settings = Settings()
        if self["config"] is not None:
            settings = configfile.load(Path(self["config"]), Settings)
        replace = msgspec.structs.replace
        if self["identity"] == "":
            raise ConfigurationError("--identity: a charge point has a name")
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
        with logs.warnings_shown():
            makeService(self)
        sys.stdout.write("the configuration is good\n")
        raise SystemExit(0)


def example() -> str:
    """A file with every option, every OCPP configuration key and every reading of smart charging,
    each with its default commented out."""
    inside = {
        "[configuration]": [
            line for key in (*STANDARD_KEYS, *EXTRA_KEYS) for line in _key_lines(key)
        ],
        "[smart_charging]": [
            f"#{field.name} = {configfile.toml_value(field.default)}"
            for field in attrs.fields(Switches)
        ],
    }
    lines = configfile.example(Settings).splitlines()
    return "\n".join([more for line in lines for more in (line, *inside.get(line, ()))]) + "\n"


def _key_lines(key: Key) -> list[str]:
    kind = key.kind.value
    if key.kind is Kind.INTEGER:
        kind += f" from {key.minimum}" + (f" to {key.maximum}" if key.maximum < LARGEST else "")
    if key.values:
        kind += f" of {', '.join(key.values)}"
    rights = "" if key.access is Access.CHANGE else f"; over OCPP: {key.access.value}"
    if key.initial is None and key.kind is Kind.INTEGER:
        value = str(max(key.minimum, 1))
    elif key.kind in (Kind.INTEGER, Kind.BOOLEAN):
        value = str(key.initial)
    else:
        value = configfile.toml_value(key.initial or "")
    return [f"# {kind}{rights}", f"#{key.name} = {value}"]


def makeService(options: Options) -> IService:
    """The service that twistd runs."""
    from twisted.internet import reactor

    root: Any = logs.LoggingRoot(options["log-format"])
    try:
        with nothing_to_collect(reactor):
            from txocpp.chargepoint.daemon import charge_point

            service = charge_point(reactor, options.settings)
        service.setServiceParent(root)
        notes = service_notes(reactor)
        if notes is not None:
            notes.setServiceParent(root)  # type: ignore[no-untyped-call]
    except ConfigurationError as error:
        raise SystemExit(f"ocpp-cp: {configfile.placed(str(error), options['config'])}") from error
    return IService(root)
