"""New firmware over the line: an image goes into the slot that is not running, and is tried once.

An image is lines and bytes: ``txocpp-image 1``, then for each file ``name size`` and its bytes. It
is unpacked as it comes, into a slot that nobody runs. Its SHA-256 is told at `begin`, and under a
key an HMAC over it, so that nobody who merely got into the middle of a session can leave something
behind. Which slot runs is in the file `slot`; see `slot.py` for how a new one that finds no host is
given up. Loaded when it is needed, and given back afterwards: it takes 3 KiB of the heap.
"""

import hashlib
import os
import sys
from binascii import a2b_base64

from evlink import Refused, mac, pads, same, unhex
from micropython import const

_MOST_BYTES = const(65536)
_PATIENCE_MS = const(60000)
_HEAD = b"txocpp-image 1\n"

TYPE_CHECKING = const(0)  # the type checker takes it for true
if TYPE_CHECKING:
    from typing import BinaryIO


def take(charger, args: dict) -> int:
    """One `ota` request. Gives the offset that is expected next."""
    if not charger.board.slots:
        raise Refused("Unsup")
    if charger.live():
        raise Refused("Busy")
    if not charger.update:
        if args.get("op") != "begin":
            raise Refused("Denied", "no update")
        sys.modules.pop("setting", None)  # makes room, and comes back when it is asked for
        charger.update = Update(charger)
    return charger.update.take(args)


class Update:
    """One update, from `begin` to `end`. As long as it is there, no contactor closes."""

    def __init__(self, charger) -> None:
        self._charger = charger
        slot = charger.board.slot
        other = "b" if slot == "a" else "a"
        self._from_to = slot + other
        self._slot_file = charger.board.folder + "/slot"
        self._slot = charger.board.folder + "/" + other
        self._size = self._off = self._left = self._left_ms = 0
        self._sum = self._tail = b""
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None
        self._headed = False
        self._hold(True)

    def _hold(self, held: bool) -> None:
        for outlet in self._charger.outlets:
            outlet.held = held

    def tick(self, dt: int) -> None:
        """Time has passed; a host that has gone away loses its turn."""
        self._left_ms = max(0, self._left_ms - dt)
        if not self._left_ms and not self._charger.restart_ms:
            self._give_up()

    def take(self, args: dict) -> int:
        """One request, the first of which is `begin`."""
        self._left_ms = _PATIENCE_MS
        op = args.get("op")
        try:
            if op == "begin":
                self._begin(args)
            elif not self._size:
                raise Refused("Denied", "no update")
            elif op == "data":
                self._data(args)
            elif op == "end":
                self._end()
            else:
                raise Refused("BadArg", "op")
        except Refused:
            self._give_up()
            raise
        except (ValueError, OSError):
            self._give_up()
            raise Refused("BadArg", "image")
        return self._off

    def _begin(self, args: dict) -> None:
        size, version = args.get("size"), args.get("ver", "")
        if type(size) is not int or not len(_HEAD) < size <= _MOST_BYTES:
            raise Refused("BadArg", "size")
        self._sum = unhex(args.get("sha"))
        proof = unhex(args.get("mac"))
        if len(self._sum) != 32 or type(version) is not str:
            raise Refused("BadArg", "sha")
        key = self._charger.key
        if key:
            claim = b"U" + self._sum + bytes("%d %s" % (size, version), "utf8")
            if not same(proof, mac(pads(key), claim)[:16]):
                raise Refused("Auth", "mac")
        self._wipe()
        self._size = size
        self._off = self._left = 0
        self._tail = b""
        self._file = None
        self._headed = False
        self._hash = hashlib.sha256()

    def _wipe(self) -> None:
        try:
            os.mkdir(self._slot)
        except OSError:
            pass
        for name in os.listdir(self._slot):
            os.remove(self._slot + "/" + name)

    def _data(self, args: dict) -> None:
        if args.get("off") != self._off:
            return  # the answer says where to go on
        try:
            data = a2b_base64(bytes(args["b64"], "utf8"))
        except (ValueError, TypeError, KeyError):
            data = b""
        if not 0 < len(data) <= self._size - self._off:
            raise Refused("BadArg", "b64")
        self._unpack(self._tail + data)
        self._hash.update(data)
        self._off += len(data)

    def _unpack(self, data: bytes) -> None:
        while data:
            if self._left and self._file:
                piece = data[: self._left]
                self._file.write(piece)
                self._left -= len(piece)
                data = data[len(piece) :]
                continue
            end = data.find(b"\n") + 1
            if not end:
                if len(data) > 64:
                    raise ValueError
                break
            self._head(data[:end])
            data = data[end:]
        self._tail = data

    def _head(self, line: bytes) -> None:
        if not self._headed:
            if line != _HEAD:
                raise ValueError
            self._headed = True
            return
        name, size = line.split()
        if not name.endswith(b".mpy") or b"/" in name:
            raise ValueError
        self._left = int(size)
        if not 0 < self._left <= _MOST_BYTES:
            raise ValueError
        self._close()
        self._file = open(self._slot + "/" + str(name, "utf8"), "wb")

    def _end(self) -> None:
        whole = self._off == self._size and not self._left and not self._tail
        if not whole or self._hash.digest() != self._sum:
            raise Refused("BadArg", "sha")
        self._close()
        with open(self._slot_file + ".new", "w") as file:
            file.write(self._from_to)
        os.rename(self._slot_file + ".new", self._slot_file)
        self._charger.restart()

    def _close(self) -> None:
        if self._file:
            self._file.close()
        self._file = None

    def _give_up(self) -> None:
        self._close()
        self._hold(False)
        self._charger.update = None
        sys.modules.pop("update", None)  # and this code goes with the next collection
