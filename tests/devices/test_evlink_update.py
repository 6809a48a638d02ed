"""New firmware over the line."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from evlink_house import KEY, EvlinkHouse, failure, result
from twisted.internet.defer import Deferred, fail, succeed

from txocpp.devices.esp8266.frames import LONGEST_COUNTER, Direction, encode, update_proof
from txocpp.devices.esp8266.update import PIECE_BYTES, pack_image, update_firmware
from txocpp.errors import ConfigurationError, DeviceError, DeviceRefused


class Slot:
    """The device's end: takes pieces, and loses some of its answers' meaning if told so."""

    def __init__(self, *, forget: int = 0, nonsense: Any = None) -> None:
        self.begun: dict[str, Any] = {}
        self.image = b""
        self.ended = False
        self._forget = forget
        self._nonsense = nonsense

    def ask(self, verb: str, args: Any) -> Deferred[dict[str, Any]]:
        assert verb == "ota"
        match args["op"]:
            case "begin":
                self.begun = args
            case "data":
                if self._forget:
                    self._forget -= 1  # an offset that is not the next: the answer says which is
                else:
                    assert args["off"] == len(self.image)
                    self.image += base64.b64decode(args["b64"])
            case "end":
                self.ended = True
        return succeed({"off": len(self.image) if self._nonsense is None else self._nonsense})


IMAGE = pack_image({"main.mpy": bytes(1000), "evlink.mpy": b"M" * 500})


def test_an_image_of_modules() -> None:
    """A head, and each module with its name and size."""
    assert pack_image({"b.mpy": b"22", "a.mpy": b"1"}) == b"txocpp-image 1\na.mpy 1\n1b.mpy 2\n22"


@pytest.mark.parametrize("name", ["main.py", "../x.mpy", ".mpy", "a b.mpy", "x" * 41 + ".mpy"])
def test_what_is_no_module(name: str) -> None:
    """Is not packed."""
    with pytest.raises(ConfigurationError, match="no compiled module"):
        pack_image({name: b"x"})


def test_images_and_versions_that_are_none() -> None:
    """Nothing is sent for them."""
    slot = Slot()
    for image, version, words in (
        (b"MZ", "1", "no firmware image"),
        (b"txocpp-image 1\n", "1", "no firmware image"),
        (b"txocpp-image 1\n" + bytes(70_000), "1", "too large"),
        (IMAGE, "one two", "no version"),
        (IMAGE, "", "no version"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            update_firmware(slot, image, version).send(None)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="too large"):
        pack_image({"a.mpy": bytes(70_000)})
    assert slot.begun == {}


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("forget", [0, 3])
def test_an_image_arrives_piece_by_piece(key: bytes | None, forget: int) -> None:
    """Announced with its size and sum, proved by the key, and whole in the end."""
    slot, shares = Slot(forget=forget), []
    done = Deferred.fromCoroutine(
        update_firmware(slot, IMAGE, "1.2.3", key=key, progress=shares.append)  # type: ignore[arg-type]
    )
    result(done)
    assert slot.image == IMAGE
    assert slot.ended
    sha = hashlib.sha256(IMAGE).digest()
    assert slot.begun["sha"] == sha.hex()
    assert slot.begun["size"] == len(IMAGE)
    proof = None if key is None else update_proof(key, sha, len(IMAGE), "1.2.3").hex()
    assert slot.begun.get("mac") == proof
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_every_piece_fits_into_a_frame() -> None:
    """At the largest offset, id and counter, and so does the announcement."""
    piece = base64.b64encode(bytes(PIECE_BYTES)).decode()
    data = [2, 65_535, "ota", {"op": "data", "off": 65_535, "b64": piece}]
    encode(Direction.TO_DEVICE, LONGEST_COUNTER, data, KEY)
    begin = {"op": "begin", "size": 65_536, "sha": "00" * 32, "ver": "v" * 20, "mac": "00" * 16}
    encode(Direction.TO_DEVICE, LONGEST_COUNTER, [2, 65_535, "ota", begin], KEY)


def test_a_device_that_talks_nonsense_or_stands_still() -> None:
    """The update ends with an error, and not never."""
    for nonsense in ("x", -1, 10**9):
        carrying = update_firmware(Slot(nonsense=nonsense), IMAGE, "1")  # type: ignore[arg-type]
        assert "nonsense" in str(failure(Deferred.fromCoroutine(carrying)))
    stuck = update_firmware(Slot(forget=10**6), IMAGE, "1")  # type: ignore[arg-type]
    assert "does not advance" in str(failure(Deferred.fromCoroutine(stuck)))


def test_a_device_that_refuses() -> None:
    """Its words are handed on, over the whole way."""
    house = EvlinkHouse().start()
    house.charge()
    update = house.device.update_firmware(IMAGE, "1")
    house.run(1)
    error = failure(update)
    assert isinstance(error, DeviceRefused)
    assert str(error) == "Busy"
    house.stop()


class Gone(Slot):
    """A device that is lost on the way."""

    def ask(self, verb: str, args: Any) -> Deferred[dict[str, Any]]:
        return fail(DeviceError("gone"))


def test_a_device_that_is_lost() -> None:
    """So is the update."""
    assert "gone" in str(failure(Deferred.fromCoroutine(update_firmware(Gone(), IMAGE, "1"))))  # type: ignore[arg-type]
