"""The process of the charge point, as an operating system sees it: it can die at any instant.

Everything that a process does to the world outside goes through a few doors: timers, the disk, the
line, the charger. They close the moment it dies, even in the midst of a call, and nothing that its
remains do afterwards gets through. The charger and the disk outlive it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import Clock
from zope.interface import implementer

from txocpp.chargepoint.service import ChargePoint
from txocpp.evse import DeviceInfo, EVSEState, MeterReading, ResetKind
from txocpp.interfaces import IEVSE, IEVSEDevice, IEVSEListener
from txocpp.storage.memory import MemoryChargePointStore

if TYPE_CHECKING:
    from .town import Town


class Process:
    """One life of the charge point, from its start to its death."""

    def __init__(self, town: Town, disk: MemoryChargePointStore, clock_error_s: float) -> None:
        self.alive = True
        self.town = town
        self.disk = disk
        self.clock = MortalClock(self, town.clock, clock_error_s)
        self.device = DeviceDoor(self)
        self.station = ChargePoint(
            town.settings,
            self.device,
            disk,
            lambda receiver, settings: town.network.line(self, receiver),
            self.clock,
            monotonic=town.clock.seconds,
        )

    @property
    def up(self) -> bool:
        """It lives and has booted."""
        return self.alive and self.station.assembly is not None

    def die(self) -> None:
        """``kill -9``."""
        self.alive = False
        self.disk.dead = True


@implementer(IDelayedCall)
class MortalCall:
    """A timer of a process."""

    def __init__(self, call: Any, clock_error_s: float) -> None:
        self._call = call
        self._clock_error_s = clock_error_s

    def getTime(self) -> float:
        return float(self._call.getTime() + self._clock_error_s)

    def cancel(self) -> None:
        self._call.cancel()

    def delay(self, seconds: float) -> None:
        self._call.delay(seconds)

    def reset(self, seconds: float) -> None:
        self._call.reset(seconds)

    def active(self) -> bool:
        return bool(self._call.active())


@implementer(IReactorTime)
class MortalClock:
    """The computer's clock, perhaps wrong, and timers that die with the process."""

    def __init__(self, process: Process, clock: Clock, error_s: float) -> None:
        self._process = process
        self._clock = clock
        self._error_s = error_s

    def seconds(self) -> float:
        return self._clock.seconds() + self._error_s

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> IDelayedCall:
        call = self._clock.callLater(delay, self._run, callable, args, kw)
        return MortalCall(call, self._error_s)

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        return [MortalCall(call, self._error_s) for call in self._clock.getDelayedCalls()]

    def _run(self, call: Callable[..., object], args: Any, kw: Any) -> None:
        if self._process.alive:
            call(*args, **kw)


@implementer(IEVSEDevice)
class DeviceDoor:
    """The charger, as far as a living process can reach it."""

    def __init__(self, process: Process) -> None:
        device = process.town.device
        self.info: DeviceInfo = device.info
        self.evses = tuple(EVSEDoor(process, evse) for evse in device.evses)

    def startService(self) -> None:
        """The charger runs already."""

    def stopService(self) -> None:
        """Nobody charges without a charge point."""
        for evse in self.evses:
            evse.permit(False)


@implementer(IEVSE)
class EVSEDoor:
    """One EVSE, as far as a living process can reach it."""

    def __init__(self, process: Process, evse: Any) -> None:
        self._process = process
        self._evse = evse

    @property
    def capabilities(self) -> Any:
        return self._evse.capabilities

    @property
    def state(self) -> EVSEState:
        state: EVSEState = self._evse.state
        return state

    def listen(self, listener: IEVSEListener) -> None:
        if self._process.alive:
            self._evse.listen(Ear(self._process, listener))

    def set_current_limit(self, limit_a: Decimal, phases: int | None = None) -> Deferred[None]:
        return self._ask(lambda: self._evse.set_current_limit(limit_a, phases))

    def permit(self, energise: bool, *, at_once: bool = False) -> Deferred[None]:
        if self._process.alive and energise:
            self._process.town.referee.permitted(self._evse.number)
        return self._ask(lambda: self._evse.permit(energise, at_once=at_once))

    def set_available(self, available: bool) -> Deferred[None]:
        return self._ask(lambda: self._evse.set_available(available))

    def set_lock(self, locked: bool) -> Deferred[None]:
        return self._ask(lambda: self._evse.set_lock(locked))

    def read_meter(self) -> Deferred[MeterReading]:
        return self._ask(self._evse.read_meter)

    def reset(self, kind: ResetKind) -> Deferred[None]:
        return self._ask(lambda: self._evse.reset(kind))

    def _ask(self, act: Callable[[], Deferred[Any]]) -> Deferred[Any]:
        """Do it and pass on the answer, both only while the process lives."""
        answer: Deferred[Any] = Deferred()
        if self._process.alive:
            act().addCallbacks(
                lambda result: self._process.alive and answer.callback(result),
                lambda failure: self._process.alive and answer.errback(failure),
            )
        return answer


@implementer(IEVSEListener)
class Ear:
    """What a living process hears of the charger."""

    def __init__(self, process: Process, listener: IEVSEListener) -> None:
        self._process = process
        self._listener = listener

    def _doors(self, evses: Sequence[Any]) -> list[EVSEDoor]:
        return [self._process.device.evses[evse.number - 1] for evse in evses]

    def state_changed(self, evse: Any, state: EVSEState) -> None:
        if self._process.alive:
            self._listener.state_changed(self._doors([evse])[0], state)

    def measured(self, evse: Any, reading: MeterReading) -> None:
        if self._process.alive:
            self._listener.measured(self._doors([evse])[0], reading)

    def tag_presented(self, evses: Sequence[Any], id_tag: str) -> None:
        if self._process.alive:
            self._listener.tag_presented(self._doors(evses), id_tag)
