"""``twistd ocpp-csms``: a central system from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
from twisted.application.service import IService
from twisted.python import usage

from txocpp.csms.settings import Settings, default_database
from txocpp.errors import ConfigurationError, StoreError
from txocpp.plugins import configfile, interrupts, logs
from txocpp.plugins.garbage import nothing_to_collect
from txocpp.plugins.pidfile import own_pid_file
from txocpp.plugins.servicenotes import service_notes


class Options(usage.Options):
    """Options of ``twistd ocpp-csms``. All settings are in the configuration file; some have an
    option here, which wins."""

    synopsis = "[options]"
    longdesc = (
        "An OCPP 1.6 central system. Without any option, charge points connect to "
        "ws://127.0.0.1:9000/ocpp/IDENTITY, the HTTP API is on http://127.0.0.1:8080/, and what "
        "happens is kept in ~/.local/state/txocpp/central.sqlite3. All settings: --print-example."
    )
    optParameters = [
        ["config", "c", None, "Configuration file (TOML)."],
        ["database", "d", None, "SQLite file, or postgresql://USER:PASSWORD@HOST/NAME."],
        ["http", None, None, "Endpoint of the HTTP API; an empty text: none."],
        ["log-format", "l", "text", "text for people, json for programs: one object a line."],
    ]
    optFlags = [
        ["check", None, "Check the configuration, say whether it is good, and end."],
        ["print-example", None, "Print a configuration file with every option, and end."],
    ]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.settings = Settings()
        self._ocpp: list[str] = []

    def opt_ocpp(self, endpoint: str) -> None:
        """Endpoint for charge points, for example tcp:9000. May be given several times."""
        self._ocpp.append(endpoint)

    def postOptions(self) -> None:
        """Read the file and apply the options on top of it."""
        if self.parent is not None:
            own_pid_file(self.parent, "ocpp-csms")
            interrupts.end_at_once("ocpp-csms")
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
            raise SystemExit(f"ocpp-csms: {error}") from error

    def _chosen(self) -> Settings:
        settings = Settings()
        if self["config"] is not None:
            settings = configfile.load(Path(self["config"]), Settings)
        replace = msgspec.structs.replace
        listen, database = settings.listen, settings.database
        if self._ocpp:
            listen = replace(listen, ocpp=tuple(self._ocpp))
        if self["http"] is not None:
            listen = replace(listen, http=self["http"])
        if self["database"] is not None:
            database = replace(database, url=self["database"])
        return replace(settings, listen=listen, database=database)

    def _check(self) -> None:
        with logs.warnings_shown():
            makeService(self)
        sys.stdout.write("the configuration is good\n")
        raise SystemExit(0)


class CentralSystemRoot(logs.LoggingRoot):
    """Ends the program with one line if the central system cannot be started."""

    def __init__(self, log_format: str = "text", database: str = "") -> None:
        super().__init__(log_format)
        self._database = database
        """File name, or URL of a server, which names itself in its errors."""

    def startService(self) -> None:
        """Called by twistd before the reactor runs."""
        try:
            super().startService()
        except ConfigurationError as fault:
            raise SystemExit(f"ocpp-csms: {fault}") from None
        except StoreError as fault:
            named = "://" in self._database or self._database in str(fault)
            place = "" if named else f"{self._database}: "
            raise SystemExit(f"ocpp-csms: {place}{fault}") from None


def makeService(options: Options) -> IService:
    """The service that twistd runs."""
    from twisted.internet import reactor

    database = options.settings.database.url or str(default_database())
    root: Any = CentralSystemRoot(options["log-format"], database)
    try:
        with nothing_to_collect(reactor):
            from txocpp.csms.service import central_system

            service: Any = central_system(reactor, options.settings)
        service.setServiceParent(root)
        notes = service_notes(reactor)
        if notes is not None:
            notes.setServiceParent(root)  # type: ignore[no-untyped-call]
    except ConfigurationError as error:
        fault = configfile.placed(str(error), options["config"])
        raise SystemExit(f"ocpp-csms: {fault}") from error
    return IService(root)
