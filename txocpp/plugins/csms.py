"""``twistd ocpp-csms``: a central system from the command line."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.application.service import IService

from txocpp.csms.settings import Settings, default_database
from txocpp.errors import ConfigurationError, StoreError
from txocpp.plugins import logs
from txocpp.plugins.roleoptions import CONFIG_OPTION, LOG_OPTION, RoleOptions


class Options(RoleOptions):
    """Options of ``twistd ocpp-csms``."""

    program = "ocpp-csms"
    kind = Settings
    longdesc = (
        "An OCPP 1.6 central system. Without any option, charge points connect to "
        "ws://127.0.0.1:9000/ocpp/IDENTITY, pages and HTTP API are on http://127.0.0.1:8080/, and "
        "what happens is kept in central.sqlite3 in $STATE_DIRECTORY or ~/.local/state/txocpp. "
        "All settings: --print-example."
    )
    optParameters = [
        CONFIG_OPTION,
        ["database", "d", None, "SQLite file, or postgresql://USER@HOST/NAME."],
        ["http", None, None, "Endpoint of the HTTP API and the pages; an empty text: none."],
        LOG_OPTION,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._ocpp: list[str] = []

    def opt_ocpp(self, endpoint: str) -> None:
        """Endpoint for charge points, for example tcp:9000. May be given several times."""
        self._ocpp.append(endpoint)

    def with_options(self, settings: Settings) -> Settings:
        """Ports and database."""
        replace = msgspec.structs.replace
        listen, database = settings.listen, settings.database
        if self._ocpp:
            listen = replace(listen, ocpp=tuple(self._ocpp))
        if self["http"] is not None:
            listen = replace(listen, http=self["http"])
        if self["database"] is not None:
            database = replace(database, url=self["database"])
        return replace(settings, listen=listen, database=database)

    def start(self) -> IService:
        """The whole central system. It is imported here: to show the help takes no time."""

        def make(reactor: Any, settings: Settings) -> Any:
            from txocpp.csms.service import central_system

            return central_system(reactor, settings)

        database = self.settings.database.url or str(default_database())
        return self.assembled(CentralSystemRoot(self["log-format"], database), make)


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
    """Called by twistd."""
    return options.start()
