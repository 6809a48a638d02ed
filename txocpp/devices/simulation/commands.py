"""The words with which people and programs poke a simulated charger: one JSON object, one answer.

``{"do": "plug_in", "connector": 1}`` is answered ``{"ok": true}`` or
``{"ok": false, "error": "why"}``. The table `VERBS` is the whole language; ``{"do": "help"}``
tells it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from txocpp.devices.simulation.device import SimulatedDevice
from txocpp.devices.simulation.evse import SimulatedEVSE
from txocpp.devices.simulation.settings import CAR_SETTINGS
from txocpp.errors import TxocppError
from txocpp.evse import Fault, FaultCode

LONGEST_TAG: Final = 20
"""An idTag of OCPP 1.6 has at most 20 characters."""
LONGEST_TEXT: Final = 50
LONGEST_CUT_S: Final = 86_400

WARNINGS: Final = frozenset(
    {FaultCode.EV_COMMUNICATION_ERROR, FaultCode.READER_FAILURE, FaultCode.WEAK_SIGNAL}
)
"""Faults that are warnings unless the command says otherwise: charging goes on, or would."""


class CommandError(TxocppError):
    """A command that cannot be obeyed; the text says why, in words for whoever typed it."""


@attrs.frozen
class Member:
    """One member of a command."""

    check: Callable[[Any], Any]
    """Gives the value to use, or raises `CommandError` saying what it must be."""
    doc: str
    required: bool = False


@attrs.frozen
class Verb:
    """One thing that can be done, and to what."""

    doc: str
    run: Callable[..., Mapping[str, Any] | None]
    """Called with the `SimulatedDevice`, or the `SimulatedEVSE` if `at_connector`."""
    members: Mapping[str, Member] = {}
    at_connector: bool = True


def _text(limit: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= limit:
            raise CommandError(f"must be a text of 1 to {limit} characters")
        return value

    return check


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise CommandError("must be true or false")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CommandError("must be a number of seconds")
    if not 0 <= value <= LONGEST_CUT_S:
        raise CommandError(f"must be within 0 and {LONGEST_CUT_S}")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise CommandError("must be a whole number")
    return value


def _whole_numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise CommandError("must be a list of connector numbers")
    return tuple(_whole(number) for number in value)


def _fault_code(value: Any) -> FaultCode:
    try:
        return FaultCode(value)
    except ValueError:
        raise CommandError(f"must be one of {', '.join(FaultCode)}") from None


def _anything(value: Any) -> Any:
    return value  # the settings check it and say what is wrong by name


def _fault(
    evse: SimulatedEVSE,
    error_code: FaultCode,
    info: str = "",
    vendor_error_code: str = "",
    warning: bool | None = None,
) -> None:
    is_warning = error_code in WARNINGS if warning is None else warning
    evse.raise_fault(Fault(error_code, not is_warning, info, vendor_error_code))


def _clear_fault(evse: SimulatedEVSE, error_code: FaultCode | None = None) -> None:
    evse.clear_fault(error_code)


def _swipe(device: SimulatedDevice, id_tag: str, connectors: tuple[int, ...] = ()) -> None:
    device.swipe(id_tag, connectors)


def _set(evse: SimulatedEVSE, **settings: Any) -> None:
    if not settings:
        raise CommandError(f"say what to set: {', '.join(sorted(CAR_SETTINGS))}")
    evse.adjust(**settings)


def _power_cut(device: SimulatedDevice, seconds: float = 5.0) -> None:
    device.power_cut(seconds)


def _state(device: SimulatedDevice, connector: int | None = None) -> Mapping[str, Any]:
    shown = device.evses if connector is None else (device.evse(connector),)
    return {
        "device": attrs.asdict(device.info),
        "connectors": [connector_state(evse) for evse in shown],
    }


def connector_state(evse: SimulatedEVSE) -> dict[str, Any]:
    """Everything about one connector, as plain JSON values; currents per phase in A."""
    state, outlet = evse.state, evse.outlet
    car = outlet.car
    return {
        "connector": evse.number,
        "car": state.car.value,
        "plugged": outlet.plugged,
        "ready": car.ready,
        "energised": state.energised,
        "permitted": outlet.permitted,
        "limit_a": float(outlet.limit_a),
        "offered_a": float(state.offered_a),
        "reason": state.reason.value,
        "phases": state.phases,
        "current_a": car.draw_ma / 1000,
        "power_w": car.power_uw / 1_000_000,
        "energy_wh": outlet.energy_wh,
        "soc": float(car.soc_percent),
        "locked": state.locked,
        "available": state.available,
        "online": state.online,
        "faults": [
            {
                "error_code": fault.code.value,
                "blocking": fault.blocking,
                "info": fault.info,
                "vendor_error_code": fault.vendor_code,
            }
            for fault in state.faults
        ],
    }


def _help(_: SimulatedDevice) -> Mapping[str, Any]:
    return {"verbs": {name: describe(verb) for name, verb in VERBS.items()}}


def describe(verb: Verb) -> str:
    """One verb as a line for people."""
    members = ["connector"] if verb.at_connector else []
    members += [name if m.required else f"[{name}]" for name, m in verb.members.items()]
    return f"{verb.doc} ({', '.join(members)})" if members else verb.doc


_CAR: Final = {name: Member(_anything, "setting of the car") for name in sorted(CAR_SETTINGS)}
_ON: Final = Member(_truth, "true: from now on; false: not any more")
_CODE: Final = Member(_fault_code, "error code of OCPP 1.6", required=True)

VERBS: Final[Mapping[str, Verb]] = {
    "plug_in": Verb("plug a car in", lambda evse, **car: evse.plug_in(**car), _CAR),
    "plug_out": Verb("unplug the car at its end", lambda evse: evse.plug_out()),
    "ev_pause": Verb("the car wants no energy for now", lambda evse: evse.ev_pause()),
    "ev_resume": Verb("the car wants energy again", lambda evse: evse.ev_resume()),
    "swipe": Verb(
        "hold a tag to the reader of these connectors, or of all",
        _swipe,
        {
            "id_tag": Member(_text(LONGEST_TAG), "what the reader reads", required=True),
            "connectors": Member(_whole_numbers, "whose reader"),
        },
        at_connector=False,
    ),
    "fault": Verb(
        "something is wrong from now on",
        _fault,
        {
            "error_code": _CODE,
            "info": Member(_text(LONGEST_TEXT), "for people"),
            "vendor_error_code": Member(_text(LONGEST_TEXT), "the maker's word"),
            "warning": Member(_truth, "true: charging goes on"),
        },
    ),
    "clear_fault": Verb(
        "one fault, or all, is over",
        _clear_fault,
        {"error_code": attrs.evolve(_CODE, required=False)},
    ),
    "set": Verb("change settings of the car", _set, _CAR),
    "lock_failure": Verb(
        "the lock of the socket does not move",
        lambda evse, on=True: evse.fail_lock(on),
        {"on": _ON},
    ),
    "weld": Verb("the contactor sticks", lambda evse, on=True: evse.weld(on), {"on": _ON}),
    "meter_silent": Verb(
        "the meter does not answer", lambda evse, on=True: evse.silence_meter(on), {"on": _ON}
    ),
    "firmware_failure": Verb(
        "new firmware cannot be installed",
        lambda device, on=True: device.fail_installations(on),
        {"on": _ON},
        at_connector=False,
    ),
    "power_cut": Verb(
        "no mains for some seconds (5)",
        _power_cut,
        {"seconds": Member(_seconds, "how long")},
        at_connector=False,
    ),
    "state": Verb(
        "tell the state of all connectors",
        _state,
        {"connector": Member(_whole, "only this one")},
        at_connector=False,
    ),
    "help": Verb("tell what can be said here", _help, at_connector=False),
}


def obey(device: SimulatedDevice, line: bytes) -> dict[str, Any]:
    """Do what one line says; never raises for anything that the line says."""
    try:
        return {"ok": True, **(_obey(device, _parse(line)) or {})}
    except TxocppError as error:
        return {"ok": False, "error": str(error)}


def _parse(line: bytes) -> dict[str, Any]:
    try:
        command = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CommandError(f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise CommandError("not JSON that anybody wants: nested too deeply") from None
    except ValueError as error:
        raise CommandError(f"not JSON: {error}") from None
    if not isinstance(command, dict):
        raise CommandError('one JSON object is expected, such as {"do": "state"}')
    return command


def _obey(device: SimulatedDevice, command: dict[str, Any]) -> Mapping[str, Any] | None:
    name = command.pop("do", None)
    if name is None:
        raise CommandError('"do" is missing')
    verb = VERBS.get(name) if isinstance(name, str) else None
    if verb is None:
        raise CommandError(f'"do": no such verb {_shown(name)}; there are {", ".join(VERBS)}')
    target = _target(device, command) if verb.at_connector else device
    members = _members(verb, command)
    try:
        return verb.run(target, **members)
    except TxocppError as error:
        if isinstance(target, SimulatedEVSE):
            raise CommandError(f"connector {target.number}: {error}") from None
        raise


def _target(device: SimulatedDevice, command: dict[str, Any]) -> SimulatedEVSE:
    if "connector" not in command:
        if len(device.evses) > 1:
            raise CommandError(f'"connector" is missing, 1 to {len(device.evses)}')
        return device.evse(1)
    try:
        number = _whole(command.pop("connector"))
    except CommandError as error:
        raise CommandError(f'"connector" {error}') from None
    return device.evse(number)


def _members(verb: Verb, command: Mapping[str, Any]) -> dict[str, Any]:
    for name, member in verb.members.items():
        if member.required and name not in command:
            raise CommandError(f'"{name}" is missing')
    values = {}
    for name, value in command.items():
        if name not in verb.members:
            raise CommandError(f"unknown member {_shown(name)}")
        try:
            values[name] = verb.members[name].check(value)
        except CommandError as error:
            raise CommandError(f'"{name}" {error}') from None
    return values


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
