"""``twistd ocpp-cp``: a charge point from the command line."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
from twisted.application.service import IService

from txocpp.chargepoint.keys import EXTRA_KEYS, LARGEST, STANDARD_KEYS, Access, Key, Kind
from txocpp.chargepoint.options import Options as Settings
from txocpp.errors import ConfigurationError
from txocpp.plugins import configfile, logs
from txocpp.plugins.roleoptions import CONFIG_OPTION, LOG_OPTION, RoleOptions
from txocpp.smartcharging import Switches


class Options(RoleOptions):
    """Options of ``twistd ocpp-cp``."""

    program = "ocpp-cp"
    kind = Settings
    longdesc = (
        "An OCPP 1.6 charge point. Without any option it is CP-1 with one simulated EVSE, "
        "connects to ws://127.0.0.1:9000/ocpp/CP-1, and keeps what must survive a power cut in "
        "CP-1.sqlite3 in $STATE_DIRECTORY or ~/.local/state/txocpp. All settings: --print-example."
    )
    optParameters = [
        CONFIG_OPTION,
        ["identity", "i", None, "Name of the charge point in the central system."],
        ["url", "u", None, "Central system: ws://HOST:PORT/PATH, without the identity."],
        ["storage", "s", None, "SQLite file for everything that must survive a power cut."],
        LOG_OPTION,
    ]

    def example(self) -> str:
        """With the OCPP configuration keys, too."""
        return example()

    def with_options(self, settings: Settings) -> Settings:
        """Name, central system and store."""
        replace = msgspec.structs.replace
        station, central, storage = settings.station, settings.central_system, settings.storage
        if self["identity"] == "":
            raise ConfigurationError("--identity: a charge point has a name")
        if self["identity"] is not None:
            station = replace(station, identity=self["identity"])
        if self["url"] is not None:
            central = replace(central, url=self["url"])
        if self["storage"] is not None:
            storage = replace(storage, path=self["storage"])
        return replace(settings, station=station, central_system=central, storage=storage)

    def start(self) -> IService:
        """The whole charge point. It is imported here: to show the help takes no time."""

        def make(reactor: Any, settings: Settings) -> Any:
            from txocpp.chargepoint.daemon import charge_point

            return charge_point(reactor, settings)

        return self.assembled(logs.LoggingRoot(self["log-format"]), make)


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
    """Called by twistd."""
    return options.start()
