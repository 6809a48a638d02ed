"""An OpenEVSE as a charger with one EVSE.

The controller is looked at every two seconds, and whenever it stirs. After each look it is told
what it does not do yet; so a command that was lost, or a controller that was restarted, needs no
care of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.devices.liveness import Liveness
from txocpp.devices.openevse.controller import Controller
from txocpp.devices.openevse.evse import DOWN_S, OpenEVSE
from txocpp.devices.telling import Teller
from txocpp.errors import DeviceError, DeviceOffline, StoreError
from txocpp.evse import DeviceInfo
from txocpp.interfaces import IDeadMansSwitch, IEVSEDevice

LOOK_S: Final = 2.0

_log = Logger()


@implementer(IEVSEDevice, IDeadMansSwitch)
class OpenEVSEDevice(Service):
    """One OpenEVSE.

    While the charge point is not alive (`alive_while`) it is looked at, and gets neither a pulse of
    the supervision nor any command. `memory` and `on_remember` make the
    energy register survive.
    """

    def __init__(
        self,
        clock: IReactorTime,
        controller: Controller,
        *,
        phases: int = 1,
        pulse_s: float = 10.0,
        memory: Mapping[str, Any] | None = None,
        on_remember: Callable[[dict[str, Any]], None] | None = None,
        sleep_on_stop: bool = True,
    ) -> None:
        self._host = Liveness("an OpenEVSE")
        self.evse = OpenEVSE(clock, controller, phases=phases)
        self.evses = (self.evse,)
        self._clock = clock
        self._controller = controller
        self._pulse_s = pulse_s
        self._sleep_on_stop = sleep_on_stop
        self._on_remember = on_remember
        self._remembered: dict[str, Any] | None = None
        self._teller = Teller(clock)
        self._timers: dict[str, IDelayedCall] = {}
        self._work: set[Deferred[None]] = set()
        self._is_ready = False
        self._is_looking = self._look_again = False
        controller.user = self
        self.evse.stir = self.stirred
        self.evse.tell = self._teller.tell
        self.evse.on_reading = self._remember
        if memory is not None:
            self._recall(memory)

    @property
    def info(self) -> DeviceInfo:
        """Empty until the controller has said who it is."""
        return self._controller.info

    def startService(self) -> None:
        """Reach the controller, and keep reaching for it."""
        super().startService()  # type: ignore[no-untyped-call]
        self._controller.start()

    def stopService(self) -> Deferred[None]:
        """Put it to sleep if so configured, and leave it."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        super().stopService()  # type: ignore[no-untyped-call]
        self._quiet()
        if self._sleep_on_stop and self.evse.is_online:
            try:
                await Deferred.fromCoroutine(self.evse.make_safe()).addTimeout(5, self._clock)
            except (DeviceError, TimeoutError) as error:
                _log.warn("an OpenEVSE was not put to sleep: {why}", why=error)
        self._is_ready = False
        await self._controller.stop()
        self._quiet()
        self.evse.give_up(DeviceOffline("stopped"))
        self._teller.stop()

    # IDeadMansSwitch

    def alive_while(self, is_alive: Callable[[], bool]) -> None:
        """Pulse and command only while this says that the charge point is alive."""
        self._host.is_alive = is_alive

    # ControllerUser

    def ready(self) -> None:
        """Tell it what is wanted, then look again and again."""
        self._is_ready = True
        self.evse.met()
        self._look()
        self._after("pulse", self._pulse_s, self._pulse)

    def lost(self) -> None:
        """The line is gone; after a while the EVSE is offline."""
        self._is_ready = False
        self._quiet()
        if self.running:
            self._after("down", DOWN_S, self.evse.note)

    def stirred(self) -> None:
        """Look now rather than later."""
        if self._is_ready and self.running:
            self._after("look", 0, self._look)

    # Inside

    def _look(self) -> None:
        self._after("look", LOOK_S, self._look)
        if self._is_looking:
            self._look_again = True
        else:
            self._is_looking = True
            looking = self.evse.settle if self._host.check() else self.evse.observe
            self._do(looking()).addBoth(self._looked)

    def _looked(self, _: object) -> None:
        self._is_looking = False
        if self._look_again:
            self._look_again = False
            self.stirred()

    def _pulse(self) -> None:
        self._after("pulse", self._pulse_s, self._pulse)
        if self._host.check():
            self._do(self._controller.pulse())

    def _do(self, story: Any) -> Deferred[None]:
        """Let something happen on the side; that the controller is silent is noticed elsewhere."""
        work: Deferred[None] = Deferred.fromCoroutine(story)
        self._work.add(work)

        def over(outcome: object) -> None:
            self._work.discard(work)
            if isinstance(outcome, Failure):
                if not outcome.check(DeviceError, CancelledError):
                    _log.failure("an OpenEVSE could not be served", failure=outcome)
                self.evse.note()

        return work.addBoth(over)

    def _quiet(self) -> None:
        for name in list(self._timers):
            self._timers.pop(name).cancel()
        for work in list(self._work):
            work.cancel()

    def _after(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

        def due() -> None:
            del self._timers[name]
            call()

        self._timers[name] = self._clock.callLater(seconds, due)

    def _remember(self) -> None:
        document = {"registers": [self.evse.register.memory()]}
        if self._on_remember is not None and document != self._remembered:
            self._remembered = document
            self._on_remember(document)

    def _recall(self, memory: Mapping[str, Any]) -> None:
        registers = memory.get("registers")
        if not isinstance(registers, list) or len(registers) != 1:
            raise StoreError("not the memory of an OpenEVSE")
        self.evse.register.recall(registers[0])
