"""What the options of a charge point amount to: who it is, how it behaves, how it connects."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs

from txocpp.chargepoint import options as options_
from txocpp.chargepoint.filetransfer.trust import Trust
from txocpp.chargepoint.limits import Grid
from txocpp.chargepoint.options import Options
from txocpp.chargepoint.settings import Behaviour, StationSettings
from txocpp.chargepoint.upkeepoptions import file_settings, security_settings
from txocpp.errors import ConfigurationError
from txocpp.smartcharging import Switches, read_zone
from txocpp.transport.tls import ClientCertificates
from txocpp.transport.websocket_settings import ClientSettings

IN_MEMORY: Final = ":memory:"


def station_settings(options: Options) -> StationSettings:
    """What the options say about the charge point itself. Raises `ConfigurationError`."""
    station, behaviour = options.station, options.behaviour
    chosen = {name: getattr(behaviour, name) for name in Behaviour.__annotations__}
    limit_a = Decimal(str(options.installation.station_limit_a))
    return StationSettings(
        identity=station.identity,
        vendor=station.vendor,
        model=station.model,
        serial_number=station.serial_number or None,
        charge_box_serial_number=station.charge_box_serial_number or None,
        firmware_version=station.firmware_version or None,
        iccid=station.iccid or None,
        imsi=station.imsi or None,
        configuration=options.configuration,
        left_out_keys=behaviour.left_out_keys,
        behaviour=Behaviour(**chosen),
        files=file_settings(options.files, _files_folder(options)),
        security=security_settings(options.security, options.firmware),
        grid=Grid(
            voltage_v=Decimal(str(options.installation.voltage_v)),
            station_limit_a=limit_a or None,
            zone=_zone(options.installation.time_zone),
        ),
        readings=Switches.from_mapping(options.smart_charging),
    )


def _zone(name: str) -> ZoneInfo | None:
    try:
        return read_zone(name) if name else None
    except ConfigurationError as error:
        raise ConfigurationError(f"[installation] time_zone: {error}") from error


def client_settings(options: Options) -> ClientSettings:
    """What the options say about the connection. Raises `ConfigurationError`."""
    central = options.central_system
    password = _password(central)
    if bool(central.certificate) != bool(central.private_key):
        raise ConfigurationError("[central_system] certificate and private_key go together")
    try:
        return _client_settings(options, central, password)
    except ConfigurationError as error:
        raise ConfigurationError(f"[central_system] url: {error}") from error


def _client_settings(
    options: Options, central: options_.CentralSystem, password: bytes | None
) -> ClientSettings:
    return ClientSettings(
        url=central.url,
        identity=options.station.identity,
        password=password,
        certificates=ClientCertificates(
            trust_roots=_path(central.trust_roots),
            certificate=_path(central.certificate),
            private_key=_path(central.private_key),
        ),
        endpoint=central.endpoint or None,
        first_wait_s=central.first_pause_s,
        longest_wait_s=central.longest_pause_s,
    )


def check_files(options: Options) -> None:
    """Whether the files and programs that the options name are there. Raises `ConfigurationError`
    that names the option."""
    central = options.central_system
    for option in ("trust_roots", "certificate", "private_key"):
        path = _path(getattr(central, option))
        if path is not None and not path.exists():
            raise ConfigurationError(f"[central_system] {option}: there is no file {path}")
    if options.files.trust_roots:
        try:
            Trust(_path(options.files.trust_roots)).context()
        except ConfigurationError as error:
            raise ConfigurationError(f"[files] trust_roots: {error}") from error
    for option in ("install_command", "outcome_command"):
        command = getattr(options.firmware, option)
        if command and shutil.which(command[0]) is None:
            raise ConfigurationError(f"[firmware] {option}: there is no program {command[0]!r}")


def secured(settings: StationSettings, line: ClientSettings) -> StationSettings:
    """Settings that know the connection as configured. With an endpoint of the operator's own
    nobody else can tell how to connect by another security profile."""
    known: dict[str, Any] = {"password": line.password}
    if line.endpoint is None:
        known.update(url=line.url, certificates=line.certificates)
    return attrs.evolve(settings, security=attrs.evolve(settings.security, **known))


def _files_folder(options: Options) -> Path | None:
    """Beside the store; a temporary one beside a store in memory."""
    if options.storage.path == IN_MEMORY:
        return None
    return options_.state_path(options).with_suffix(".files")


def _password(central: options_.CentralSystem) -> bytes | None:
    given = {
        name: value
        for name in ("password", "password_file", "authorization_key")
        if (value := getattr(central, name))
    }
    if len(given) > 1:
        raise ConfigurationError(f"[central_system] only one of {', '.join(given)} can be given")
    if central.password_file:
        try:
            return _first_line(Path(central.password_file).expanduser())
        except ConfigurationError as error:
            raise ConfigurationError(f"[central_system] password_file: {error}") from error
    if central.authorization_key:
        return bytes.fromhex(central.authorization_key)
    return central.password.encode() or None


def _first_line(path: Path) -> bytes:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    if not lines or not lines[0].strip():
        raise ConfigurationError(f"{path}: there is no password on the first line")
    return lines[0].strip()


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None
