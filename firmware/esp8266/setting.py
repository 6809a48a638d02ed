"""What a host may set for good: fallback currents, meter constant, name, and the key.

Loaded when a host asks for it, and not before: it takes 1 KiB of the heap.
"""

from charger import whole
from evlink import Refused, unhex

# Between which values each may be set. 0 is always allowed but for `imp`.
_RANGES = {
    "fb": (6000, 80000),
    "boot": (6000, 80000),
    "up": (1, 1),
    "max": (6000, 80000),
    "imp": (1, 100000),
}


def configure(settings, args: dict):
    """Read or change one setting; gives its value. It takes effect at once."""
    name = args.get("k")
    if name not in ("fb", "boot", "up", "max", "imp", "name"):
        raise Refused("BadArg", "k")
    value = args.get("v", settings.get(name))
    if name == "name":
        if type(value) is not str or len(value) > 32:
            raise Refused("BadArg", "v")
        for letter in value:
            if not " " <= letter <= "~":
                raise Refused("BadArg", "v")
    elif value != 0 or name == "imp" or type(value) is not int:
        whole({"v": value}, "v", _RANGES[name][0], _RANGES[name][1])
    settings.put(name, value)
    return value


def set_key(charger, link, args: dict) -> None:
    """Take a new key, over a cable only, and only from somebody who stands at the box."""
    key = args.get("k")
    if not link.serial or (charger.key and not charger.board.button()):
        raise Refused("Denied")
    if len(unhex(key)) != 32:
        raise Refused("BadArg", "k")
    if charger.live():
        raise Refused("Busy")
    charger.key = unhex(key)
    charger.settings.put("key", key)
    charger.settings.save()
    if charger.host and charger.host is not link:
        charger.host.close()  # it has shown the old key, or none
