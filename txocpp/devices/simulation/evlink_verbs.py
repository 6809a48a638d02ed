"""What a host may ask of a simulated evlink/1 device: one function per verb.

Each gives the members of the result or raises `Refusal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from txocpp.devices.simulation.evlink_session import DeviceLink, Refusal
from txocpp.devices.simulation.evse import SimulatedEVSE
from txocpp.errors import DeviceRefused
from txocpp.evse import FaultCode, ResetKind

if TYPE_CHECKING:
    from txocpp.devices.simulation.evlink_device import EvlinkSimulation

MOST_MA: Final = 80_000
_CONF: Final = {
    "fb": (6000, MOST_MA),
    "boot": (6000, MOST_MA),
    "max": (6000, MOST_MA),
    "up": (1, 1),
    "imp": (1, 100_000),
}
"""Settings, and between which values; 0 means none, but not for pulses per kWh."""


def obey(
    box: EvlinkSimulation, verb: str, args: dict[str, Any], link: DeviceLink
) -> dict[str, Any]:
    """Do what a host asks."""
    run = _VERBS.get(verb)
    if run is None:
        raise Refusal("BadVerb", verb[:32])
    return run(box, args, link)


def _evse(box: EvlinkSimulation, args: dict[str, Any]) -> SimulatedEVSE:
    number = args.get("c")
    if type(number) is not int or not 1 <= number <= len(box.device.evses):
        raise Refusal("BadConn")
    return box.device.evse(number)


def _ping(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    return {"up": box.uptime_ms // 1000, "bad": link.bad}


def _status(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    return box.state(_evse(box, args))


def _limit(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    evse = _evse(box, args)
    lease = box.leases[evse.number]
    limit_ma = _whole(args, "ma", 0, MOST_MA)
    ttl_s = _whole(args, "ttl", 5, 600, 30)
    phases = _whole(args, "ph", 1, 3, evse.state.phases)
    if phases != evse.state.phases and not evse.capabilities.can_switch_phases:
        raise Refusal("Unsup", "ph")
    lease.limit_ma, lease.ttl_s, lease.asked, lease.lapsed = limit_ma, ttl_s, True, False
    box.lend(evse)
    box.apply(evse, phases)
    box.tell(evse)
    state = box.state(evse)
    return {"ma": state["ma"], "why": state["why"]}


def _gate(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    evse = _evse(box, args)
    on, hard = _whole(args, "on", 0, 1), _whole(args, "hard", 0, 1, 0)
    if on and evse.outlet.welded:
        raise Refusal("Fault", "relay_weld")
    evse.permit(bool(on), at_once=bool(hard)).addErrback(lambda _: None)
    box.tell(evse)
    state = box.state(evse)
    return {"on": state["on"], "ma": state["ma"]}


def _avail(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    evse = _evse(box, args)
    evse.set_available(bool(_whole(args, "on", 0, 1))).addErrback(lambda _: None)
    box.tell(evse)
    return {}


def _lock(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    evse = _evse(box, args)
    locked = bool(_whole(args, "on", 0, 1))
    if not evse.capabilities.has_lock:
        raise Refusal("Unsup")
    if evse.state.energised and not locked:
        raise Refusal("Busy")
    try:
        evse.change(lambda: evse.outlet.set_lock(locked))
    except DeviceRefused:
        raise Refusal("Fault", "lock") from None
    return {}


def _meter(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    return box.reading(_evse(box, args))


def _sub(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    box.report_every(_whole(args, "s", 0, 3600))
    return {}


def _conf(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    name = args.get("k")
    if not isinstance(name, str) or name not in box.conf:
        raise Refusal("BadArg", "k")
    if "v" in args:
        box.conf[name] = _checked(name, args["v"])
        box.apply_all()
    return {"v": box.conf[name]}


def _checked(name: str, value: object) -> object:
    if name == "name":
        if not isinstance(value, str) or len(value) > 32 or not value.isprintable():
            raise Refusal("BadArg", "v")
    elif value != 0 or type(value) is not int or name == "imp":
        _whole({"v": value}, "v", *_CONF[name])
    return value


def _nothing(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    return {}


def _clear(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    evse = _evse(box, args)
    held = any(fault.vendor_code == "relay_weld" for fault in evse.state.faults)
    if held and not evse.outlet.welded:
        evse.clear_fault(FaultCode.POWER_SWITCH_FAILURE)
    return {"f": box.state(evse)["f"]}


def _cycle(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    if _evse(box, args).state.energised:
        raise Refusal("Busy")
    return {}


def _ui(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    _evse(box, args)
    if not all(isinstance(args.get(name, ""), str) for name in ("s", "m")):
        raise Refusal("BadArg")
    return {}


def _reset(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    box.restart_soon(ResetKind.HARD if _whole(args, "hard", 0, 1, 0) else ResetKind.SOFT)
    return {}


def _key(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    if not link.is_cable or box.key is not None:
        raise Refusal("Denied")
    try:
        key = bytes.fromhex(str(args.get("k")))
    except ValueError:
        key = b""
    if len(key) != 32:
        raise Refusal("BadArg", "k")
    box.key = key
    return {}


def _ota(box: EvlinkSimulation, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
    return {"off": box.updates.take(args)}


_VERBS: Final = {
    "ping": _ping,
    "status": _status,
    "limit": _limit,
    "gate": _gate,
    "avail": _avail,
    "lock": _lock,
    "meter": _meter,
    "sub": _sub,
    "conf": _conf,
    "time": _nothing,
    "clear": _clear,
    "cycle": _cycle,
    "ui": _ui,
    "reset": _reset,
    "key": _key,
    "ota": _ota,
}


def _whole(
    args: dict[str, Any], name: str, least: int, most: int, default: int | None = None
) -> int:
    value = args.get(name, default)
    if type(value) is not int or not least <= value <= most:
        raise Refusal("BadArg", name)
    return value
