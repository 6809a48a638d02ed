"""New firmware over the line into a simulated evlink/1 device.

Every image whose sum and proof are right is good firmware, the next version of what there is. It is
tried after a restart, and given up if no host opens a session within two minutes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.interfaces import IDelayedCall

from txocpp.devices.esp8266.frames import update_proof
from txocpp.devices.esp8266.update import MOST_BYTES, check_image
from txocpp.devices.simulation.evlink_session import Refusal
from txocpp.errors import ConfigurationError, InstallationFailed
from txocpp.evse import ResetKind

if TYPE_CHECKING:
    from txocpp.devices.simulation.evlink_device import EvlinkSimulation

PATIENCE_S: Final = 60.0
"""A host that has gone away loses its turn."""
TRIAL_S: Final = 120.0


class Updates:
    """The update that comes in, and the trial of the one that came last."""

    def __init__(self, box: EvlinkSimulation) -> None:
        self._box = box
        self._image = bytearray()
        self._size = 0
        self._sha = b""
        self._patience: IDelayedCall | None = None
        self._before: str | None = None
        self._trial: IDelayedCall | None = None

    @property
    def under_way(self) -> bool:
        """An image is coming in; no contactor closes meanwhile."""
        return self._size > 0

    def take(self, args: dict[str, Any]) -> int:
        """One ``ota`` request; gives the offset that is expected next. Raises `Refusal`."""
        if any(evse.state.energised for evse in self._box.device.evses):
            raise Refusal("Busy")
        steps = {"begin": self._begin, "data": self._data, "end": self._end}
        step = steps.get(str(args.get("op")))
        if step != self._begin and not self.under_way:
            raise Refusal("Denied", "no update")
        if step is None:
            self.give_up()
            raise Refusal("BadArg", "op")
        try:
            step(args)
        except Refusal:
            self.give_up()
            raise
        self._be_patient()
        return len(self._image)

    def give_up(self) -> None:
        """Forget what has come."""
        self._image.clear()
        self._size = 0
        if self._patience is not None and self._patience.active():
            self._patience.cancel()
        self._box.apply_all()

    def started(self) -> None:
        """The device has started, maybe into what is to be tried."""
        self._stop_trial()
        if self._before is not None:
            self._trial = self._box.device.clock.callLater(TRIAL_S, self._go_back)

    def heard(self) -> None:
        """A host has opened a session: what runs is good."""
        self._before = None
        self._stop_trial()

    def stop(self) -> None:
        """No timer is left."""
        self._stop_trial()
        if self._patience is not None and self._patience.active():
            self._patience.cancel()

    def _begin(self, args: dict[str, Any]) -> None:
        size, version, sha = args.get("size"), args.get("ver", ""), _hex(args.get("sha"))
        if type(size) is not int or not 0 < size <= MOST_BYTES:
            raise Refusal("BadArg", "size")
        if len(sha) != hashlib.sha256().digest_size or not isinstance(version, str):
            raise Refusal("BadArg", "sha")
        key = self._box.key
        if key is not None:
            proof = update_proof(key, sha, size, version)
            if not hmac.compare_digest(_hex(args.get("mac")), proof):
                raise Refusal("Auth", "mac")
        self._image.clear()
        self._size, self._sha = size, sha
        self._box.apply_all()

    def _data(self, args: dict[str, Any]) -> None:
        if args.get("off") != len(self._image):
            return  # the answer says where to go on
        try:
            piece = base64.b64decode(str(args.get("b64")), validate=True)
        except (binascii.Error, ValueError):
            piece = b""
        if not 0 < len(piece) <= self._size - len(self._image):
            raise Refusal("BadArg", "b64")
        self._image += piece

    def _end(self, args: dict[str, Any]) -> None:
        image, device = bytes(self._image), self._box.device
        if len(image) != self._size or hashlib.sha256(image).digest() != self._sha:
            raise Refusal("BadArg", "sha")
        before = device.info.firmware_version
        try:
            check_image(image)
            device.next_version()
        except (ConfigurationError, InstallationFailed):
            raise Refusal("BadArg", "image") from None
        self._before = before
        self._box.restart_soon(ResetKind.SOFT)

    def _be_patient(self) -> None:
        if self._patience is not None and self._patience.active():
            self._patience.cancel()
        self._patience = self._box.device.clock.callLater(PATIENCE_S, self.give_up)

    def _go_back(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            self._box.device.set_version(before)
            self._box.restart_soon(ResetKind.SOFT)

    def _stop_trial(self) -> None:
        if self._trial is not None and self._trial.active():
            self._trial.cancel()


def _hex(value: object) -> bytes:
    try:
        return bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        return b""
