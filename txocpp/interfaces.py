"""The seams of the house: where one part may be exchanged for another.

Each interface has at least two providers, one of which is a working fake that ships with the
package. None of them knows a role (charge point, central system); none is longer than a screen.

* what is said: `IMessageFactory`
* wires to peers: `ITransport`, `IFrameReceiver`, `IStationGate`
* boxes with a contactor: `IEVSE`, `IEVSEListener`, `IStatusLight`, `IEVSEDevice`,
  `IDeadMansSwitch`, `IFirmwareInstaller`
* what survives a power cut: `IChargePointStore`, `ICentralStore`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from txocpp.evse import MeterReading, ResetKind

if TYPE_CHECKING:
    from txocpp.evse import EVSEState


class IMessageFactory(Interface):
    """One version of OCPP: turns payloads into message objects and back.

    Payloads are what a JSON parser gives for an object: dict, list, str, int, float, bool, None.
    """

    subprotocol: str = Attribute("WebSocket subprotocol, for example ``ocpp1.6``.")

    def request_type(action: str) -> type[Any] | None:
        """The class of the action's request; None if the action is not known."""

    def request(action: str, payload: object) -> Any:
        """Decode the payload of a CALL.

        Raises one of `txocpp.errors.CallRefused`, naming the first field that is wrong by its path
        and mapped as rule J-20 says; `NotImplementedByUs` for an action that is not known.
        """

    def response(action: str, payload: object) -> Any:
        """Decode the payload of a CALLRESULT. Raises like `request`."""

    def payload(message: Any) -> dict[str, Any]:
        """Encode a request or response: dicts, lists, text, finite numbers, booleans, nothing else.

        Never gives what `request` or `response` would refuse: raises
        `txocpp.errors.InvalidMessage` instead.
        """


class ITransport(Interface):
    """Carries whole OCPP-J text frames to one peer. Not a byte stream."""

    peer: str = Attribute("The other end, for logs: an identity or an address.")

    def send(frame: str) -> None:
        """Queue one frame. After `close` or a lost line: silently dropped."""

    def close(code: int = 1000, reason: str = "") -> None:
        """Close gracefully. The receiver's `disconnected` is called exactly once, later."""


class IFrameReceiver(Interface):
    """What sits above a transport: gets its frames, one connection after another."""

    def connected(transport: ITransport) -> None:
        """A line is up. Called once before the first frame of a connection."""

    def frame_received(frame: str) -> None:
        """One text frame has come. Must not raise and must not block."""

    def disconnected(reason: str) -> None:
        """The line is gone. No frame of this connection follows."""


@attrs.frozen
class Credentials:
    """What a station shows before the WebSocket upgrade."""

    identity: str
    """Last path segment of the URL, percent-decoded (C-02)."""
    user: str | None = None
    """User name of HTTP Basic; None without an Authorization header."""
    password: bytes | None = attrs.field(default=None, repr=False)
    """Password bytes of HTTP Basic: everything behind the first colon (C-15)."""
    address: str = ""
    """Host and port of the peer."""
    subprotocols: tuple[str, ...] = ()
    certificate_common_name: str | None = None
    """CN of the verified client certificate (security profile 3)."""
    certificate_organization: str | None = None
    """O of the same certificate."""
    origin: str | None = None
    """Whose web page asks; charge points have none, or that of the server itself."""
    host: str = ""
    """The name, and perhaps port, that was asked for."""
    secure: bool = False
    """The connection is TLS."""


@attrs.frozen
class Refusal:
    """Why a station may not connect, as an HTTP answer: 404 unknown, 401 credentials, 503 busy."""

    http_status: int
    reason: str


class IStationGate(Interface):
    """Decides who may connect to a server, and who talks to them."""

    def admit(credentials: Credentials) -> Deferred[Refusal | None]:
        """None lets the station in. Called before the upgrade, may take its time (C-07, C-16)."""

    def receiver(credentials: Credentials, subprotocol: str) -> IFrameReceiver:
        """Who gets the frames of this connection. Called once after the upgrade, before
        `IFrameReceiver.connected`. An older connection of the same identity has been told
        `disconnected` by then (C-14)."""


class IEVSE(Interface):
    """One EVSE: one contactor, one outlet, at most one car. The role never knows which box it is.

    Limit and permission are separate: energy flows only with permission, a car that asks, and a
    limit of at least 6 A. A provider boots without permission and with a limit of 0. Deferreds
    fail with `txocpp.errors.DeviceError`.
    """

    capabilities = Attribute("`txocpp.evse.Capabilities`; may change when the device reconnects.")
    state: EVSEState = Attribute("`txocpp.evse.EVSEState`: the latest that is known.")

    def listen(listener: IEVSEListener) -> None:
        """From now on tell this listener; there is one at a time, the newest."""

    def set_current_limit(limit_a: Decimal, phases: int | None = None) -> Deferred[None]:
        """Offer the car at most `limit_a` per phase, on `phases` phases where that can be switched.

        Below 6 A: pause. Rounded down to what the device can offer. The car may take 5 s to
        follow. Fires when the device has taken it over; the newest call wins. While the line to
        the device is down the limit is kept and sent on reconnection. The provider keeps the limit
        alive on devices that demand it.
        """

    def permit(energise: bool, *, at_once: bool = False) -> Deferred[None]:
        """Give or take the permission to close the contactor.

        Taking it ends charging gracefully (the car gets some seconds to stop drawing), or opens
        the contactor immediately with `at_once`. Unplugging takes it back by itself.
        """

    def set_available(available: bool) -> Deferred[None]:
        """Put the EVSE in or out of service; out of service it signals so to the car."""

    def set_lock(locked: bool) -> Deferred[None]:
        """Lock or unlock the socket. Fails with `DeviceRefused` if the lock does not answer or
        there is none."""

    def read_meter() -> Deferred[MeterReading]:
        """A fresh reading of everything that the device measures."""

    def reset(kind: ResetKind) -> Deferred[None]:
        """Restart the device. Contactors open first."""


class IEVSEListener(Interface):
    """Hears what happens at an EVSE. Calls come one at a time, never from inside an IEVSE call."""

    def state_changed(evse: IEVSE, state: EVSEState) -> None:
        """Anything of the state is different now, the line to the device included."""

    def tag_presented(evses: Sequence[IEVSE], id_tag: str) -> None:
        """Somebody held a tag to a reader that serves these EVSEs (one or several)."""

    def measured(evse: IEVSE, reading: MeterReading) -> None:
        """The device sent a reading by itself."""


class IStatusLight(Interface):
    """An EVSE with a light or a display. May be provided beside `IEVSE`."""

    def show(status: str, text: str) -> Deferred[None]:
        """Show this status of OCPP, and words about it, until the next call. Only while the line to
        the device is up; it is called again when that is back."""


class IEVSEDevice(Interface):
    """A box with one or more EVSEs behind one line. Also a `twisted.application` service."""

    evses: Sequence[IEVSE] = Attribute("Its EVSEs, in the order of their connector numbers.")
    info = Attribute("`txocpp.evse.DeviceInfo`; empty fields until the device has said who it is.")

    def startService() -> None:
        """Open the line and keep it open, for ever, with back-off."""

    def stopService() -> Deferred[None] | None:
        """Make the EVSEs safe as configured and close the line."""


class IDeadMansSwitch(Interface):
    """A device that falls back to a safe current when its host shows no sign of life any more.

    A device may provide it beside `IEVSEDevice`.
    """

    def alive_while(is_alive: Callable[[], bool]) -> None:
        """From now on ask this before each sign of life that the device gets, and give none while
        the answer is False or the question raises."""


class Installation(Enum):
    """What remains to be done after new firmware has been put in place."""

    DONE = "done"
    """Nothing: it runs already."""
    REBOOT = "reboot"
    """The charge point has to boot; it does so at once."""


class IFirmwareInstaller(Interface):
    """Puts new firmware into a charger. The end of a firmware update; everything before it, from
    the download to the check of a signature, has been done.

    A device may provide it beside `IEVSEDevice`, or an operator's own command.
    """

    def install(image: Path) -> Deferred[Installation]:
        """Install this file. Nobody charges meanwhile.

        Fails with `txocpp.errors.InstallationFailed`, its subclass `ImageRefused` if the file is to
        blame; the old firmware goes on then. May end the process instead: see `outcome`. Cancelled
        when the charge point stops.
        """

    def outcome() -> Deferred[bool | None]:
        """After a restart in the midst of `install`: whether the new firmware is in place.

        None: it cannot be told; then another firmware version than before counts as success.
        """


@attrs.frozen
class Put:
    """Store a document under a key, in place of what was there."""

    table: str
    key: str
    document: Mapping[str, Any]
    """Plain JSON values."""


@attrs.frozen
class Delete:
    """Forget a key. No error if it is not there."""

    table: str
    key: str


class IChargePointStore(Interface):
    """What a charge point remembers over power cuts: tables of JSON documents, read at each boot.

    A charge point keeps its state in memory; the store is its journal.
    """

    def load() -> Deferred[dict[str, dict[str, dict[str, Any]]]]:
        """Table name to key to document, keys in ascending order. Called first, and
        again when the charge point reboots by itself.

        Raises `txocpp.errors.StoreError`. A damaged store has been set aside by then and a fresh
        one begun; `damage` says so.
        """

    damage: str | None = Attribute("What `load` found damaged and where it was put; or None.")

    def write(*changes: Put | Delete) -> Deferred[None]:
        """Apply all changes or none. Fires when they would survive a power cut.

        Calls are applied in order. Fails with `txocpp.errors.StoreError` (disk full, for example);
        the changes are not applied then.
        """

    def close() -> Deferred[None]:
        """Finish what was written and let go of the file."""


class ICentralStore(Interface):
    """What a central system remembers: a database that many stations write to at once.

    A change or a question is a function of one argument, the records of one database transaction
    (`txocpp.storage.central.Records`). It runs in another thread and must touch nothing else; a
    change may be run twice when its neighbours failed. All Deferreds fail with
    `txocpp.errors.StoreError`, or with what the function raised.
    """

    def open(first: Callable[[Any], Any] | None = None) -> Deferred[Any]:
        """Connect, create or migrate the tables, and apply a first change. Called once, first.

        Blocks until that is done, since nobody waits yet; the Deferred has fired with the result
        of the change."""

    def write(change: Callable[[Any], Any]) -> Deferred[Any]:
        """Apply a change. Fires with its result when it would survive a power cut."""

    def append(*rows: tuple[Any, tuple[Any, ...]]) -> Deferred[None]:
        """Add rows, each for one prepared statement: the cheap way for frequent messages.

        Fires when they would survive a power cut, all together.
        """

    def read(question: Callable[[Any], Any]) -> Deferred[Any]:
        """Answer from what has been committed, beside the writer."""

    def backup(path: str) -> Deferred[None]:
        """Copy everything to a new file while work goes on."""

    def close() -> Deferred[None]:
        """Commit what was written and let go of the database."""
