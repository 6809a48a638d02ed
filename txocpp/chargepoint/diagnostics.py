"""What a charge point knows about itself, in one file (OCPP 1.6 §5.9, security white paper N01;
rules G-01, G-03, X-64)."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, Final

import attrs

from txocpp.chargepoint.clock import EPOCH, StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.logbook import Logbook
from txocpp.chargepoint.securitylog import SecurityLog

LONGEST_NAME: Final = 100
PROGRAMS: Final = ("txocpp", "twisted", "autobahn", "cryptography")


@attrs.frozen
class Document:
    """A file to be uploaded."""

    name: str
    content: bytes = attrs.field(repr=False)


class Diagnostics:
    """Makes the files. `overview` gives the present state as plain JSON values."""

    def __init__(
        self,
        identity: str,
        clock: StationClock,
        configuration: Configuration,
        logbook: Logbook,
        security_log: SecurityLog,
        overview: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._identity = identity
        self._clock = clock
        self._configuration = configuration
        self._logbook = logbook
        self._security_log = security_log
        self._overview = overview

    def everything(self, oldest: datetime | None, latest: datetime | None) -> Document | None:
        """Logs of a period, and how things stand if it reaches to the present; None if there is
        nothing (G-01, G-03)."""
        now = self._clock.now()
        parts: dict[str, str] = {}
        lines = self._logbook.lines(oldest, latest, ahead=self._ahead())
        events = [str(entry) for entry in self._security_log.entries(oldest, latest)]
        if lines:
            parts["log.txt"] = "\n".join(lines) + "\n"
        if events:
            parts["security.txt"] = "\n".join(events) + "\n"
        # A minute is little for two clocks and a message.
        begun = oldest is None or oldest <= now
        if begun and (latest is None or latest >= now - timedelta(minutes=1)):
            parts["state.json"] = _json(self._overview())
            parts["configuration.json"] = _json(self._keys())
            parts["programs.json"] = _json({name: version(name) for name in PROGRAMS})
        if not parts:
            return None
        return Document(self._name("diagnostics", "tar.gz"), _archive(parts, now))

    def security(self, oldest: datetime | None, latest: datetime | None) -> Document | None:
        """The security log of a period; None if it is empty."""
        entries = self._security_log.entries(oldest, latest)
        if not entries:
            return None
        text = "".join(f"{entry}\n" for entry in entries)
        return Document(self._name("security", "txt"), text.encode())

    def _keys(self) -> dict[str, str | None]:
        """The configuration, but for what may only be written."""
        reports, _ = self._configuration.report()
        return {one.name: one.value for one in reports}

    def _ahead(self) -> timedelta:
        return self._clock.now() - (EPOCH + timedelta(seconds=self._clock.seconds()))

    def _name(self, kind: str, ending: str) -> str:
        who = re.sub(r"[^A-Za-z0-9_.-]", "_", self._identity)[:LONGEST_NAME]
        return f"{who}-{kind}-{self._clock.now().astimezone(UTC):%Y%m%dT%H%M%SZ}.{ending}"


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, default=str, ensure_ascii=False) + "\n"


def _archive(parts: Mapping[str, str], at: datetime) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=4) as archive:
        for name, text in parts.items():
            content = text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mtime = int(at.timestamp())
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()
