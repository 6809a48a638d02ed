"""What the charger remembers over a power cut: one small file, written whole or not at all.

The first eight characters are the beginning of the SHA-256 of the rest. A file that does not fit
its sum is not believed, nor is half a file: the one before it is used, or the safe defaults.
"""

import hashlib
import json
import os
from binascii import hexlify

_SAFE = {
    "fb": 0,  # mA when the host has fallen silent
    "boot": 0,  # mA before a host has spoken
    "up": 0,  # the fallback may be more than the last limit
    "max": 0,  # mA, 0: what the hardware can
    "imp": 1000,  # S0 pulses per kWh
    "name": "",
    "key": "",
    "n": 0,  # starts
    "wh": 0,  # energy register
}


def _sum(words: str) -> str:
    return str(hexlify(hashlib.sha256(bytes(words, "utf8")).digest()[:4]), "utf8")


class Store:
    """Settings by name. `put` takes effect at once; `save` is for when the contactor is open."""

    def __init__(self, folder: str) -> None:
        self.dirty = False
        self.damaged = False
        """A file was there and could not be believed."""
        self._path = folder + "/settings"
        self._values = dict(_SAFE)
        if not (self._load(self._path) or self._load(self._path + ".new")):
            return
        self.damaged = False

    def get(self, name: str):
        return self._values[name]

    def put(self, name: str, value) -> None:
        if self._values[name] != value:
            self._values[name] = value
            self.dirty = True

    def save(self) -> None:
        """Write a new file beside the old one, then let it take the old one's place."""
        self.dirty = False
        words = json.dumps(self._values)
        with open(self._path + ".new", "w") as file:
            file.write(_sum(words) + words)
        os.rename(self._path + ".new", self._path)

    def _load(self, path: str) -> bool:
        try:
            with open(path) as file:
                words = file.read()
        except OSError:
            return False
        self.damaged = True
        try:
            if words[:8] != _sum(words[8:]):
                return False
            values = json.loads(words[8:])
        except ValueError:
            return False
        for name in _SAFE:
            if type(values.get(name)) is type(_SAFE[name]):
                self._values[name] = values[name]
        return True
