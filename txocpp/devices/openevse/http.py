"""An OpenEVSE controller behind its Wi-Fi gateway, by the gateway's HTTP interface.

The gateway owns the controller's serial line; RAPI through it is read-only in current versions.
Here its status page is read and its override set. Nobody supervises us: when we fall silent, the
last override stays in force. Use a serial line where that matters.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from txocpp.devices.openevse.controller import ControllerUser, Mode, Observation
from txocpp.devices.openevse.rapi import Range, State, car_of, faults_of
from txocpp.errors import DeviceError, DeviceOffline, DeviceRefused
from txocpp.evse import DeviceInfo

ANSWER_S: Final = 5.0
GREET_AGAIN_S: Final = 5.0
LARGEST_BYTES: Final = 65_536
_MODES: Final = {State.SLEEPING: Mode.ASLEEP, State.DISABLED: Mode.DISABLED}

_log = Logger()


class HttpController:
    """Reads ``/status`` and posts to ``/override`` at `url` (``http://openevse.local``)."""

    user: ControllerUser

    def __init__(
        self,
        clock: Any,
        client: HTTPClient,
        url: str,
        *,
        user_name: str = "",
        password: str = "",
    ) -> None:
        self.info = DeviceInfo(vendor="OpenEVSE")
        self.range = Range(6, 6)
        self.has_lock = False
        self._clock = clock
        self._client = client
        self._url = url.rstrip("/")
        self._auth = (user_name, password) if user_name else None
        self._current_a: int | None = None
        self._greeting: Deferred[None] | None = None

    # Controller

    def start(self) -> None:
        """Greet the gateway until it answers."""
        self._greeting = Deferred.fromCoroutine(self._greet())

    async def stop(self) -> None:
        """There is nothing to close; the override stays."""
        greeting, self._greeting = self._greeting, None
        if greeting is not None:
            greeting.addErrback(lambda failure: None)
            greeting.cancel()

    async def look(self) -> Observation:
        """The status page; it has had different members over the years."""
        return observation(await self._ask("GET", "/status"))

    async def set_current(self, current_a: int) -> None:
        """In force with the next mode, or now if it is enabled."""
        self._current_a = current_a
        await self._override(Mode.ENABLED if (await self.look()).mode is Mode.ENABLED else None)

    async def set_mode(self, mode: Mode) -> None:
        """The gateway knows active and disabled; both asleep and disabled are the latter."""
        await self._override(mode)

    async def set_lock(self, locked: bool) -> None:
        """Not offered."""
        raise DeviceRefused("the gateway has no lock")

    async def restart(self) -> None:
        """Restart the controller, not the gateway."""
        await self._ask("POST", "/restart", {"device": "evse"})

    async def pulse(self) -> None:
        """Nobody listens: the gateway supervises the controller, and nobody supervises us."""

    # Inside

    async def _greet(self) -> None:
        told = ""
        while True:
            try:
                config = await self._ask("GET", "/config")
                break
            except DeviceError as error:
                if str(error) != told:  # once, not at every attempt
                    told = str(error)
                    _log.warn("no gateway at {url}: {why}", url=self._url, why=error)
                await deferLater(self._clock, GREET_AGAIN_S)
        hardware_a = _whole(config, "max_current_hard", _whole(config, "max_current_soft", 32))
        soft_a = _whole(config, "max_current_soft", hardware_a)
        self.range = Range(
            max(_whole(config, "min_current_hard", 6), 6), min(hardware_a, soft_a or hardware_a)
        )
        self.info = DeviceInfo(
            vendor="OpenEVSE",
            model="OpenEVSE gateway",
            firmware_version=str(config.get("firmware", ""))[:50],
            serial_number=str(config.get("espinfo", config.get("hostname", "")))[:25],
        )
        self._greeting = None
        self._current_a = None
        self.user.ready()

    async def _override(self, mode: Mode | None) -> None:
        if mode is None:
            return
        override: dict[str, Any] = {"state": "disabled", "auto_release": False}
        if mode is Mode.ENABLED:
            override["state"] = "active"
            if self._current_a is not None:
                override |= {"charge_current": self._current_a, "max_current": self._current_a}
        await self._ask("POST", "/override", override)

    async def _ask(
        self, method: str, path: str, document: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        body: dict[str, Any] = {} if document is None else {"json": document}
        try:
            response = await self._client.request(
                method,
                self._url + path,
                **body,
                auth=self._auth,
                timeout=ANSWER_S,
                reactor=self._clock,
            )
            content = await response.content()
        except CancelledError:
            raise
        except Exception as error:
            # There are many kinds of failed connections, and no common name for them.
            why = str(error) or type(error).__name__
            raise DeviceOffline(f"{self._url}{path}: {why}") from None
        if response.code == 404 and path == "/override":
            raise DeviceRefused("this gateway is too old for overrides: use RAPI on a serial line")
        if response.code >= 400:
            raise DeviceRefused(f"{self._url}{path}: the gateway answers {response.code}")
        return _document(content) if content.strip() else {}


def _document(body: bytes) -> dict[str, Any]:
    if len(body) > LARGEST_BYTES:
        raise DeviceError(f"the gateway answers {len(body)} bytes")
    try:
        found = json.loads(body)
    except ValueError:
        raise DeviceError("the gateway does not answer JSON") from None
    return found if isinstance(found, dict) else {}


def observation(status: dict[str, Any]) -> Observation:
    """A status page as an observation; raises `DeviceError` if it says nothing of the state."""
    state = status.get("state")
    if type(state) is not int:
        raise DeviceError("the gateway does not tell the state of its controller")
    vehicle = status.get("vehicle")
    plugged = None if vehicle is None else bool(vehicle)
    car = car_of(state, State.CONNECTED if plugged else State.NOT_CONNECTED, plugged)
    return Observation(
        mode=_MODES.get(State(state), Mode.ENABLED)
        if state in State._value2member_map_
        else Mode.ENABLED,
        car=car,
        energised=state == State.CHARGING,
        pilot_a=max(_whole(status, "pilot", 0), 0),
        faults=faults_of(state),
        meter_wh=_register_wh(status, car.value in "BCD"),
        current_a=_current_a(status, charging=state == State.CHARGING),
        voltage_v=_decimal(status.get("voltage")) or None,
        temperature_c=_temperature_c(status),
    )


def _register_wh(status: dict[str, Any], plugged: bool) -> int | None:
    total_kwh = _decimal(status.get("total_energy"))
    if total_kwh is not None:
        return int(total_kwh * 1000)
    total_wh = _decimal(status.get("watthour"))
    if total_wh is None:
        return None
    session_ws = _decimal(status.get("wattsec")) or Decimal(0)
    return int(total_wh + (session_ws / 3600 if plugged else 0))


def _current_a(status: dict[str, Any], *, charging: bool) -> Decimal | None:
    """In mA by the documentation, in A by some versions: no car charges with 80 mA."""
    amp = _decimal(status.get("amp"))
    if amp is None:
        return None
    return amp if charging and 0 < amp <= 100 else amp / 1000


def _temperature_c(status: dict[str, Any]) -> Decimal | None:
    tenths = _decimal(status.get("temp"))
    return None if tenths is None or tenths <= -2560 else tenths / 10


def _whole(document: dict[str, Any], name: str, default: int) -> int:
    value = document.get(name, default)
    return value if type(value) is int else default


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = Decimal(str(value))
    return number if number.is_finite() else None
