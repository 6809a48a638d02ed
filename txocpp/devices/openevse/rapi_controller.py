"""An OpenEVSE controller on a RAPI line."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.task import deferLater
from twisted.logger import Logger

from txocpp.devices.openevse.controller import ControllerUser, Mode, Observation
from txocpp.devices.openevse.rapi import (
    ACKNOWLEDGE,
    LONGEST_SUPERVISION_S,
    Answer,
    Event,
    Range,
    State,
    Status,
    register_wh,
    temperature_c,
)
from txocpp.devices.openevse.rapi_line import RapiLine
from txocpp.errors import ConfigurationError, DeviceError, DeviceOffline, DeviceRefused
from txocpp.evse import MINIMUM_CURRENT_A, DeviceInfo

GREET_AGAIN_S: Final = 5.0
LOOKS_PER_TEMPERATURE: Final = 15

_COMMANDS: Final = {Mode.ENABLED: "FE", Mode.ASLEEP: "FS", Mode.DISABLED: "FD"}
_MODES: Final = {State.SLEEPING: Mode.ASLEEP, State.DISABLED: Mode.DISABLED}

_log = Logger()


class RapiController:
    """Asks and tells by RAPI, and supervises as the controller offers it.

    `supervision_s`: without a pulse for so long the controller falls back to `fallback_a`, which
    cannot be less than 6 A: it slows a charge down and never stops it. 0: no supervision.
    """

    user: ControllerUser

    def __init__(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        *,
        name: str,
        supervision_s: int = 30,
        fallback_a: int = 6,
    ) -> None:
        if not 0 <= supervision_s <= LONGEST_SUPERVISION_S:
            raise ConfigurationError(
                f"supervision_s: {supervision_s} is not within 0 and {LONGEST_SUPERVISION_S}: "
                "controllers count it in 16 bits of milliseconds"
            )
        if supervision_s and fallback_a < MINIMUM_CURRENT_A:
            raise ConfigurationError(
                f"fallback_a: {fallback_a}: an OpenEVSE falls back to 6 A at least"
            )
        self.info = DeviceInfo(vendor="OpenEVSE")
        self.range = Range(6, 6)
        self.has_lock = False
        self._clock = clock
        self._supervision = (supervision_s, fallback_a)
        self._supervised = False
        self._current_a: int | None = None
        self._fallen_back = False
        self._looks = 0
        self._warmth_c: Decimal | None = None
        self._line = RapiLine(clock, endpoint, self, name=name)
        self._greeting: Deferred[None] | None = None

    # Controller

    def start(self) -> None:
        """Open the line."""
        self._line.startService()

    async def stop(self) -> None:
        """Close the line."""
        self._hang_up()
        stopped = self._line.stopService()
        if stopped is not None:
            await stopped

    async def look(self) -> Observation:
        """State, and what the meter says."""
        status = Status.read(await self._line.ask("GS"))
        plugged = status.car.value in "BCD" or bool(status.plugged)
        current_ma, voltage_mv = (await self._line.ask("GG")).numbers(10, 10)
        meter_wh = register_wh(await self._line.ask("GU"), plugged)
        if self._looks % LOOKS_PER_TEMPERATURE == 0:
            self._warmth_c = await self._temperature()
        self._looks += 1
        return Observation(
            mode=_MODES.get(State(status.state), Mode.ENABLED)
            if status.state in State._value2member_map_
            else Mode.ENABLED,
            car=status.car,
            energised=status.energised,
            pilot_a=self._supervision[1] if self._fallen_back else self._current_a or 0,
            faults=status.faults,
            meter_wh=meter_wh,
            current_a=Decimal(max(current_ma, 0)) / 1000,
            voltage_v=Decimal(voltage_mv) / 1000 if voltage_mv > 0 else None,
            temperature_c=self._warmth_c,
            locked=await self._locked(),
            fallen_back=self._fallen_back,
        )

    async def set_current(self, current_a: int) -> None:
        """Volatile, or each change would be written to the EEPROM."""
        self._current_a = current_a
        try:
            await self._line.ask(f"SC {current_a} V")
        except DeviceRefused as refusal:
            # It may have set less than that, and then says how much.
            clamped = str(refusal).rpartition(" ")[2]
            if not clamped.isdigit() or not 0 < int(clamped) <= current_a:
                raise
            self._current_a = int(clamped)

    async def set_mode(self, mode: Mode) -> None:
        """Enable, sleep or disable."""
        await self._line.ask(_COMMANDS[mode])

    async def set_lock(self, locked: bool) -> None:
        """Only on controllers built for a socket."""
        await self._line.ask(f"S5 {int(locked)}")

    async def restart(self) -> None:
        """It waits some seconds when a car charges, and then answers nothing: it starts again, and
        says so."""
        with contextlib.suppress(DeviceOffline):
            await self._line.ask("FR", repeatable=False)

    async def pulse(self) -> None:
        """Show that the host is alive; end the fallback if a pulse was missed before."""
        if not self._supervised:
            return
        try:
            await self._line.ask("SY")
        except DeviceRefused:
            self._fallen_back = True
            self.user.stirred()
            _log.info("{name} had missed us", name=self._line.name)
            restored: list[Deferred[Any]] = [self._line.ask(ACKNOWLEDGE)]
            if self._current_a is not None:
                # The acknowledgement restores the maximum: nothing may come in between.
                restored.append(Deferred.fromCoroutine(self.set_current(self._current_a)))
            for succeeded, outcome in await DeferredList(restored, consumeErrors=True):
                if not succeeded:
                    outcome.raiseException()
            self._fallen_back = False
            self.user.stirred()

    # RapiUser

    def line_up(self) -> None:
        """Greet it."""
        self._hang_up()
        self._greeting = Deferred.fromCoroutine(self._greet())

    def line_down(self) -> None:
        """For the line."""
        self._hang_up()
        self.user.lost()

    def heard(self, event: Event) -> None:
        """A controller that has booted knows nothing of what it was told."""
        if event.name == "AB":
            self.line_up()
        else:
            self.user.stirred()

    # Inside

    def _hang_up(self) -> None:
        greeting, self._greeting = self._greeting, None
        if greeting is not None:
            greeting.addErrback(lambda failure: None)
            greeting.cancel()

    async def _greet(self) -> None:
        while True:
            try:
                await self._learn()
            except DeviceError as error:
                _log.warn("no controller at {name}: {why}", name=self._line.name, why=error)
                if not self._line.is_up:
                    return
                await deferLater(self._clock, GREET_AGAIN_S)
            else:
                break
        self._line.settled()
        self._greeting = None
        self.user.ready()

    async def _learn(self) -> None:
        version = await self._line.ask("GV")
        self.range = Range.read(await self._line.ask("GC"))
        serial = await self._maybe("GI")
        self.info = DeviceInfo(
            vendor="OpenEVSE",
            model="OpenEVSE",
            firmware_version=version.words[0] if version.words else "",
            serial_number=serial.words[-1] if serial is not None and serial.words else "",
        )
        await self._maybe("SB")  # some do not charge before they are told that a host is there
        self.has_lock = await self._maybe("G5") is not None
        self._current_a = None
        self._fallen_back = False
        self._looks = 0
        seconds, fallback_a = self._supervision
        supervision = await self._maybe(f"SY {seconds} {fallback_a}")
        self._supervised = supervision is not None and seconds > 0
        if seconds and not self._supervised:
            _log.warn("{name} cannot supervise its host", name=self._line.name)

    async def _maybe(self, command: str) -> Answer | None:
        """Ask for something that not every controller has."""
        try:
            return await self._line.ask(command)
        except DeviceRefused:
            return None

    async def _temperature(self) -> Decimal | None:
        answer = await self._maybe("GP")
        return None if answer is None else temperature_c(answer)

    async def _locked(self) -> bool | None:
        if not self.has_lock:
            return None
        answer = await self._maybe("G5")
        return None if answer is None or not answer.words else answer.words[0] == "1"
