"""From options to files, firmware and security."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import Logger

from txocpp.chargepoint.daemon import Daemon, line_maker
from txocpp.chargepoint.fromoptions import client_settings, secured, station_settings
from txocpp.chargepoint.installer import CommandInstaller
from txocpp.chargepoint.options import Options
from txocpp.chargepoint.parts import Equipment
from txocpp.chargepoint.service import LineSettings
from txocpp.chargepoint.settings import Files
from txocpp.chargepoint.upkeepoptions import Firmware, installer
from txocpp.errors import ConfigurationError
from txocpp.transport.tls import ClientCertificates


def options(**tables: Any) -> Options:
    return msgspec.convert(tables, Options)


def test_files_lie_beside_the_store(tmp_path: Path) -> None:
    """Unless the options say where, or nothing is to survive."""
    beside = options(storage={"path": str(tmp_path / "cp.sqlite3")})
    assert station_settings(beside).files.folder == tmp_path / "cp.files"
    nowhere = options(storage={"path": ":memory:"})
    assert station_settings(nowhere).files.folder is None
    chosen = options(files={"folder": "~/files"})
    assert station_settings(chosen).files.folder == Path("~/files").expanduser()


def test_a_temporary_folder_is_nobodys_to_guess() -> None:
    """And only made when something is put there."""
    one, two = Equipment.of(Files()), Equipment.of(Files())
    assert one.folder != two.folder
    assert not one.folder.exists()


def test_what_is_set_gets_through() -> None:
    """Each option to its place."""
    chosen = station_settings(
        options(
            files={
                "largest_download_mib": 2,
                "upload_method": "FORM",
                "upload_adds_name": False,
                "trust_roots": "/etc/roots",
                "retries": 7,
                "retry_interval_s": 8,
            },
            firmware={"signed_only": True},
            security={
                "extensions": False,
                "events": "critical",
                "log_length": 9,
                "urls": {"2": "wss://c.test:9443/ocpp"},
            },
        )
    )
    files, security = chosen.files, chosen.security
    assert (files.largest_bytes, files.upload_method, files.upload_adds_name) == (
        2 << 20,
        "FORM",
        False,
    )
    assert (files.trust_roots, files.retries, files.retry_interval_s) == (Path("/etc/roots"), 7, 8)
    assert (security.enabled, security.push_events, security.log_length) == (False, "critical", 9)
    assert (security.signed_firmware_only, security.urls) == (True, {2: "wss://c.test:9443/ocpp"})


@pytest.mark.parametrize(
    ("urls", "complaint"),
    [
        ({"4": "wss://c.test/"}, "urls: '4' is no security profile"),
        ({"2": "https://c.test/"}, "urls: 'https://c.test/' is no URL of a central system"),
        ({"2": "wss://"}, "urls: 'wss://' is no URL"),
    ],
)
def test_wrong_urls_are_named(urls: dict[str, str], complaint: str) -> None:
    """With the table they stand in."""
    with pytest.raises(ConfigurationError, match=complaint):
        station_settings(options(security={"urls": urls}))


def test_a_command_makes_an_installer() -> None:
    """Without one there is none."""
    assert installer(Clock(), Firmware()) is None
    made = installer(Clock(), Firmware(install_command=("install",), timeout_s=5))
    assert isinstance(made, CommandInstaller)


def test_the_line_is_known_to_security() -> None:
    """URL, password and certificates as configured; an endpoint of the operator's own hides
    them."""
    central = {"url": "wss://c.test/ocpp", "password": "secret"}
    given = options(central_system=central)
    known = secured(station_settings(given), client_settings(given)).security
    assert (known.url, known.password, known.profile) == ("wss://c.test/ocpp", b"secret", 2)
    given = options(central_system={**central, "endpoint": "tls:c.test:443"})
    hidden = secured(station_settings(given), client_settings(given)).security
    assert (hidden.url, hidden.password) == (None, b"secret")


def test_a_line_is_made_as_security_wants_it() -> None:
    """The URL, and then password and certificates are the last word."""
    make = line_maker(reactor, client_settings(options(central_system={"password": "old"})))
    mine = ClientCertificates(more_roots=("root",))
    wanted = LineSettings(identity="X", url="wss://c.test/", certificates=mine)
    made = make(object(), wanted)  # type: ignore[arg-type]
    assert made.settings.url == "wss://c.test/"  # type: ignore[attr-defined]
    assert made.settings.password is None  # type: ignore[attr-defined]
    assert made.settings.certificates == mine  # type: ignore[attr-defined]


async def test_a_daemon_keeps_its_log_for_diagnostics(tmp_path: Path) -> None:
    """From its start to its end."""
    given = options(
        central_system={"url": "ws://127.0.0.1:9/"},
        storage={"path": str(tmp_path / "cp.sqlite3")},
        files={"log_lines": 10},
    )
    daemon = Daemon(reactor, given)
    daemon.startService()
    Logger("txocpp.test").info("something happens")
    store = daemon._store
    for _ in range(3):
        await store.load()
    station = daemon.charge_point
    assert station.assembly is not None
    diagnostics = station.assembly.upkeep.diagnostics
    document = diagnostics.everything(None, None)
    assert document is not None
    assert document.name.startswith("CP-1-diagnostics-")
    await maybeDeferred(daemon.stopService)
    Logger("txocpp.test").info("nobody listens any more")
    lines = " ".join(diagnostics._logbook.lines())
    assert "something happens" in lines
    assert "nobody listens" not in lines
