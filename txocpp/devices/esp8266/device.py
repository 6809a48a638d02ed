"""A charger controller that speaks evlink/1: `IEVSEDevice` with its EVSEs behind one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList, TimeoutError, succeed
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.devices.esp8266.evse import EvlinkEVSE
from txocpp.devices.esp8266.host_line import HostLine
from txocpp.devices.esp8266.installer import Starts, install
from txocpp.devices.esp8266.keys import read_key
from txocpp.devices.esp8266.settings import EvlinkSettings
from txocpp.devices.esp8266.troubles import Troubles
from txocpp.devices.esp8266.update import update_firmware
from txocpp.devices.esp8266.words import Greeting, Status
from txocpp.devices.links import device_endpoint, parse_description
from txocpp.devices.liveness import Liveness
from txocpp.devices.telling import Teller
from txocpp.errors import ConfigurationError, DeviceError, DeviceOffline, DeviceRefused, StoreError
from txocpp.evse import DeviceInfo, Fault
from txocpp.interfaces import IDeadMansSwitch, IEVSEDevice, IFirmwareInstaller, Installation

PARTING_S: Final = 2.0
"""How long a host that stops waits for the device to take that in."""
LONGEST_UID: Final = 20

_log = Logger()


@implementer(IEVSEDevice, IDeadMansSwitch, IFirmwareInstaller)
class EvlinkDevice(Service):
    """One controller with one or more EVSEs.

    While the charge point is not alive (`alive_while`) no lease is renewed, and the device falls to
    its fail-safe current; a new session is left alone until the charge point is back. `memory` and
    `on_remember` make the energy registers survive (`txocpp.devices.esp8266.energy`); a register is
    remembered before it is given out.
    """

    def __init__(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        *,
        connectors: int = 1,
        key: bytes | None = None,
        serial: bool = False,
        settings: EvlinkSettings | None = None,
        name: str = "device",
        memory: Mapping[str, Any] | None = None,
        on_remember: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.clock = clock
        self.settings = settings or EvlinkSettings()
        if key is None and not serial and not self.settings.insecure:
            raise ConfigurationError(
                f"{name}: a TCP line needs a key file, or insecure = true on both sides"
            )
        self.info = DeviceInfo()
        self.greeting: Greeting | None = None
        """What the device said of itself last."""
        self._host = Liveness(name)
        self._was_alive = True
        """Before the last ping."""
        self._key = key
        self.evses: tuple[EvlinkEVSE, ...] = tuple(
            EvlinkEVSE(self, number) for number in range(1, connectors + 1)
        )
        self._line = HostLine(
            clock,
            endpoint,
            self,
            key=key,
            serial=serial,
            name=name,
            is_alive=self._is_alive,
        )
        self._teller = Teller(clock)
        self._troubles = Troubles(clock, self._note_all)
        self._online: set[int] = set()
        self._bringing_up: Deferred[None] | None = None
        self._starts = Starts()
        self._unmet: Greeting | None = None
        """Of a session that began while the charge point was not alive."""
        self._on_remember = on_remember
        self._remembered: dict[str, Any] | None = None
        self._register_owner = ""
        if memory is not None:
            self._recall(memory)

    # Service

    def startService(self) -> None:
        """Open the line, and keep it open."""
        super().startService()  # type: ignore[no-untyped-call]
        self._line.startService()

    def stopService(self) -> Deferred[None]:
        """Take the permissions if so configured, and close the line."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self.has_session and self.settings.open_on_stop:
            parting = DeferredList(
                [Deferred.fromCoroutine(evse.make_safe()) for evse in self.evses],
                consumeErrors=True,
            )
            try:
                await parting.addTimeout(PARTING_S, self.clock)
            except TimeoutError:
                _log.warn("{name} did not answer when it was left", name=self.name_shown)
        self._cancel_bringing_up()
        super().stopService()  # type: ignore[no-untyped-call]
        for evse in self.evses:
            evse.give_up(DeviceOffline(f"{self.name_shown}: stopped"))
        closing = self._line.stopService()
        if closing is not None:
            await closing
        self._troubles.stop()
        self._teller.stop()

    # IDeadMansSwitch

    def alive_while(self, is_alive: Callable[[], bool]) -> None:
        """Renew leases only while this says that the charge point is alive."""
        self._host.is_alive = is_alive

    # For the EVSEs

    @property
    def name_shown(self) -> str:
        """What it is called in logs and errors."""
        return self._line.device_name

    @property
    def has_session(self) -> bool:
        """Requests are answered now."""
        return self._line.is_open

    @property
    def is_down(self) -> bool:
        """Nothing was heard for so long that the line counts as down."""
        return self._line.is_down

    @property
    def is_renewing(self) -> bool:
        """There is a session, and the charge point is alive."""
        return self.has_session and self._host.check()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the device as a whole."""
        return self._troubles.faults

    def is_online(self, number: int) -> bool:
        """This connector has been heard of lately."""
        return number in self._online

    def ask(
        self, verb: str, args: Mapping[str, Any], *, urgent: bool = False
    ) -> Deferred[dict[str, Any]]:
        """Send any request, see `HostLine.ask`."""
        return self._line.ask(verb, args, urgent=urgent)

    def update_firmware(
        self, image: bytes, version: str, progress: Callable[[float], None] = lambda share: None
    ) -> Deferred[None]:
        """Put new firmware into the device, see `txocpp.devices.esp8266.update`."""
        carrying = update_firmware(self, image, version, key=self._key, progress=progress)
        return Deferred.fromCoroutine(carrying)

    def next_start(self) -> Deferred[Greeting]:
        """Fires when the device has started again and greets us."""
        return self._starts.next()

    # IFirmwareInstaller

    def install(self, image: Path) -> Deferred[Installation]:
        """Bring a firmware update to its end, see `txocpp.devices.esp8266.installer`."""
        return Deferred.fromCoroutine(install(self, image))

    def outcome(self) -> Deferred[bool | None]:
        """The version that the device says decides."""
        return succeed(None)

    # For whoever it serves

    def tell(self, call: Callable[[], None]) -> None:
        """Queue a call to a listener."""
        if self.running:
            self._teller.tell(call)

    def remember(self) -> None:
        """Give what has to survive to whoever keeps it, if it is news."""
        if self._on_remember is None:
            return
        document = self.memory()
        if document != self._remembered:
            self._on_remember(document)
            self._remembered = document

    def memory(self) -> dict[str, Any]:
        """The energy registers, and whose they are, as plain JSON values."""
        return {
            "device": self._register_owner,
            "registers": [evse.register.memory() for evse in self.evses],
        }

    # HostLineUser

    def session_opened(self, greeting: Greeting) -> None:
        """Learn who is there and how things are, then say what is wanted; nothing of that while
        nobody lives who could want it."""
        self._recognise(greeting)
        if self._host.check():
            self._bring_up(greeting)
        else:
            self._unmet = greeting

    def _bring_up(self, greeting: Greeting) -> None:
        self._unmet = None
        self._bringing_up = Deferred.fromCoroutine(self._brought_up(greeting))
        self._bringing_up.addErrback(self._not_up)

    def session_refused(self, reason: str) -> None:
        """The line has logged it, and tries again."""

    def session_ended(self) -> None:
        """Nothing is believed about the device until it has been asked again."""
        self._unmet = None
        self._cancel_bringing_up()
        for evse in self.evses:
            evse.session_ended()

    def went_down(self) -> None:
        """The EVSEs are offline."""
        self._online.clear()
        for evse in self.evses:
            evse.went_down()

    def heard(self, name: str, data: dict[str, Any]) -> None:
        """An event; one that is damaged or not known is left alone."""
        try:
            self._heard(name, data)
        except DeviceError as error:
            _log.warn("{name}: {error}", name=self.name_shown, error=error)

    def missed(self) -> None:
        """Ask for all states, one of them may have changed."""
        for evse in self.evses:
            evse.look()

    # Inside

    def _is_alive(self) -> bool:
        """Asked before each ping; a charge point that is alive again gets its limits back."""
        was_alive, alive = self._was_alive, self._host.check()
        self._was_alive = alive
        if alive and self._unmet is not None:
            self._bring_up(self._unmet)
        elif alive and not was_alive:
            for evse in self.evses:
                evse.renew()
        return alive

    def _heard(self, name: str, data: dict[str, Any]) -> None:
        number = data.get("c")
        there = type(number) is int and 1 <= number <= len(self.evses)
        evse = self.evses[number - 1] if there and isinstance(number, int) else None
        match name:
            case "state" if evse is not None:
                evse.state_heard(Status.read(data))
            case "meter" if evse is not None:
                evse.reading_heard(data)
            case "tag":
                self._tag(self.evses if evse is None else (evse,), data.get("uid"))
            case "log":
                _log.info("{name} says: {words}", name=self.name_shown, words=data.get("m"))

    def _tag(self, evses: Sequence[EvlinkEVSE], uid: object) -> None:
        if isinstance(uid, str) and 1 <= len(uid) <= LONGEST_UID:
            evses[0].present_tag(evses, uid)

    def _recognise(self, greeting: Greeting) -> None:
        """Who is it, and has it started again since we knew it?"""
        if self._register_owner and self._register_owner != greeting.id:
            _log.warn(
                "{name} is another device now: {id}, not {old}",
                name=self.name_shown,
                id=greeting.id,
                old=self._register_owner,
            )
            for evse in self.evses:
                evse.register.replaced()
        self._register_owner = greeting.id
        self.info = DeviceInfo(
            vendor="txocpp",
            model=greeting.hardware,
            serial_number=greeting.id,
            firmware_version=greeting.firmware,
        )
        if greeting.connectors != len(self.evses):
            _log.warn(
                "{name} has {there} connectors, {wanted} are configured",
                name=self.name_shown,
                there=greeting.connectors,
                wanted=len(self.evses),
            )
        known, self.greeting = self.greeting, greeting
        if known is not None and known.start != greeting.start:
            self._starts.happened(greeting)
            _log.warn("{name} has restarted: {why}", name=self.name_shown, why=greeting.why)
            self._troubles.restarted(greeting.why)

    async def _brought_up(self, greeting: Greeting) -> None:
        await self._configure()
        for evse in self.evses[: greeting.connectors]:
            try:
                await evse.bring_up(greeting)
            except DeviceOffline:
                raise
            except DeviceError as error:
                _log.error("{name}: {error}", name=self.name_shown, error=error)
                continue
            self._online.add(evse.number)
            evse.note()
        if self.settings.report_every_s:
            await self.ask("sub", {"s": self.settings.report_every_s})

    async def _configure(self) -> None:
        settings = self.settings
        wanted = {"fb": settings.fallback_a, "boot": settings.boot_a, "max": settings.maximum_a}
        for name, value in wanted.items():
            if value is None:
                continue
            try:
                await self.ask("conf", {"k": name, "v": int(value * 1000)})
            except DeviceRefused as refusal:
                _log.warn("{name}: {k}: {why}", name=self.name_shown, k=name, why=refusal)

    def _not_up(self, failure: Failure) -> None:
        if failure.check(CancelledError, DeviceOffline):
            return  # the next session begins anew
        failure.trap(DeviceError)
        _log.error("{name}: {why}", name=self.name_shown, why=failure.value)

    def _cancel_bringing_up(self) -> None:
        bringing_up, self._bringing_up = self._bringing_up, None
        if bringing_up is not None:
            bringing_up.cancel()

    def _note_all(self) -> None:
        for evse in self.evses:
            evse.note()

    def _recall(self, memory: Mapping[str, Any]) -> None:
        """Raises `StoreError` for what no device has written."""
        owner, registers = memory.get("device"), memory.get("registers")
        if not isinstance(owner, str) or not isinstance(registers, list):
            raise StoreError("not the memory of an evlink device")
        self._register_owner = owner
        for evse, kept in zip(self.evses, registers, strict=False):
            evse.register.recall(kept)


def evlink_device(
    reactor: Any,
    where: str,
    *,
    key_file: Path | str | None = None,
    connectors: int = 1,
    settings: EvlinkSettings | None = None,
    memory: Mapping[str, Any] | None = None,
    on_remember: Callable[[dict[str, Any]], None] | None = None,
) -> EvlinkDevice:
    """The device at ``tcp:HOST:4116`` or ``serial:/dev/serial/by-id/...:baudrate=115200``.

    Raises `txocpp.errors.ConfigurationError` for a description or key file that is wrong, and for a
    TCP line without a key unless the settings say ``insecure``.
    """
    return EvlinkDevice(
        reactor,
        device_endpoint(reactor, where),
        connectors=connectors,
        key=None if key_file is None else read_key(key_file),
        serial=parse_description(where).kind == "serial",
        settings=settings,
        name=where,
        memory=memory,
        on_remember=on_remember,
    )
