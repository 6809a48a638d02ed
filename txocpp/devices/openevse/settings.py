"""How a host treats an OpenEVSE: what may be configured, and the device made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from txocpp.devices.links import device_endpoint, parse_description
from txocpp.devices.openevse.controller import Controller
from txocpp.devices.openevse.device import OpenEVSEDevice
from txocpp.devices.openevse.rapi_controller import RapiController
from txocpp.errors import ConfigurationError


def _whole(least: int, most: int) -> Callable[[Any, attrs.Attribute[int], Any], None]:
    def check(_: Any, field: attrs.Attribute[int], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ConfigurationError(f"{field.name}: {value!r} is not within {least} and {most}")

    return check


def _kind(kind: type) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    def check(_: Any, field: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, kind):
            raise ConfigurationError(f"{field.name}: {value!r} is no {kind.__name__}")

    return check


@attrs.frozen(kw_only=True)
class OpenEVSESettings:
    """How the host treats an OpenEVSE.

    Raises `txocpp.errors.ConfigurationError` that begins with the name of the setting.
    """

    phases: int = attrs.field(default=1, validator=_whole(1, 3))
    """Phases wired; the controller measures one and cannot know."""
    supervision_s: int = attrs.field(default=30, validator=_whole(0, 60))
    """RAPI: silence after which the controller falls back by itself, 0: never."""
    fallback_a: int = attrs.field(default=6, validator=_whole(6, 80))
    """RAPI: what it falls back to. It slows a charge down; it cannot stop it."""
    sleep_on_stop: bool = attrs.field(default=True, validator=_kind(bool))
    """Put it to sleep when the host stops; else it goes on as it was told last."""
    user: str = attrs.field(default="", validator=_kind(str))
    """HTTP: user name, if the gateway asks for one."""
    password_file: str = attrs.field(default="", validator=_kind(str))
    """HTTP: file with the password on its first line."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> OpenEVSESettings:
        """Settings from a table of a configuration file; unknown names are refused."""
        for name in options:
            if name not in attrs.fields_dict(cls):
                raise ConfigurationError(f"{name}: no such setting of an OpenEVSE")
        return cls(**options)


def openevse_device(
    reactor: Any,
    where: str,
    *,
    settings: OpenEVSESettings | None = None,
    memory: Mapping[str, Any] | None = None,
    on_remember: Callable[[dict[str, Any]], None] | None = None,
) -> OpenEVSEDevice:
    """The OpenEVSE at ``serial:/dev/ttyUSB0``, behind a serial bridge at ``tcp:HOST:PORT``, or
    behind its gateway at ``http://HOST``.

    Raises `txocpp.errors.ConfigurationError` for a description or setting that is wrong.
    """
    settings = settings or OpenEVSESettings()
    make = _by_http if where.startswith(("http://", "https://")) else _by_rapi
    return OpenEVSEDevice(
        reactor,
        make(reactor, where, settings),
        phases=settings.phases,
        pulse_s=max(settings.supervision_s / 3, 1.0),
        memory=memory,
        on_remember=on_remember,
        sleep_on_stop=settings.sleep_on_stop,
    )


def _by_rapi(reactor: Any, where: str, settings: OpenEVSESettings) -> Controller:
    if parse_description(where).kind not in ("serial", "tcp"):
        raise ConfigurationError(
            f"{where!r}: an OpenEVSE is at serial:PATH, tcp:HOST:PORT or http://HOST"
        )
    return RapiController(
        reactor,
        device_endpoint(reactor, where),
        name=where,
        supervision_s=settings.supervision_s,
        fallback_a=settings.fallback_a,
    )


def _by_http(reactor: Any, where: str, settings: OpenEVSESettings) -> Controller:
    # Loaded only by those who use it.
    from treq.client import HTTPClient
    from twisted.web.client import Agent

    from txocpp.devices.openevse.http import HttpController

    client = HTTPClient(Agent(reactor, connectTimeout=5))
    password = _first_line(settings.password_file) if settings.password_file else ""
    return HttpController(reactor, client, where, user_name=settings.user, password=password)


def _first_line(path: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"password_file: {path}: {error.strerror}") from None
    return lines[0].strip() if lines else ""
