"""What may be chosen about a simulated charger and the car that is plugged into it.

The defaults are a wall box at home: 32 A on three phases, a fixed cable, a car with a three-phase
16 A on-board charger.
"""

# ruff: noqa: RUF009 -- the calls below make attrs fields, once per class

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs

from txocpp.errors import ConfigurationError
from txocpp.evse import MINIMUM_CURRENT_A


def _number(value: Any, name: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ConfigurationError(f"{name}: {value!r} is not a number")
    number = Decimal(str(value))
    if not number.is_finite():
        raise ConfigurationError(f"{name}: {value!r} is not a finite number")
    return number


def _decimal(default: int, minimum: int | Decimal, maximum: int, step: str, doc: str) -> Any:
    """A setting that is a number within a range and a multiple of `step`."""

    def convert(value: Any, field: attrs.Attribute[Decimal]) -> Decimal:
        number = _number(value, field.name)
        if not minimum <= number <= maximum:
            raise ConfigurationError(f"{field.name}: {value} is not within {minimum} and {maximum}")
        if number % Decimal(step):
            raise ConfigurationError(f"{field.name}: {value} is not a multiple of {step}")
        return number

    return attrs.field(
        default=Decimal(default),
        converter=attrs.Converter(convert, takes_field=True),
        metadata={"doc": doc},
    )


def _choice(default: int, choices: tuple[int, ...], doc: str) -> Any:
    def check(_: Any, field: attrs.Attribute[int], value: Any) -> None:
        if isinstance(value, bool) or value not in choices:
            raise ConfigurationError(
                f"{field.name}: {value!r} is none of {', '.join(map(str, choices))}"
            )

    return attrs.field(default=default, validator=check, metadata={"doc": doc})


def _switch(default: bool, doc: str) -> Any:
    def check(_: Any, field: attrs.Attribute[bool], value: Any) -> None:
        if not isinstance(value, bool):
            raise ConfigurationError(f"{field.name}: {value!r} is neither true nor false")

    return attrs.field(default=default, validator=check, metadata={"doc": doc})


def _steps(value: Any) -> tuple[Decimal, ...]:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise ConfigurationError(f"steps_a: {value!r} is not a list of currents")
    steps = tuple(_number(step, "steps_a") for step in value)
    if list(steps) != sorted(set(steps)) or any(step < MINIMUM_CURRENT_A for step in steps):
        raise ConfigurationError("steps_a: must be ascending currents of at least 6 A")
    if any(step % Decimal("0.1") for step in steps):
        raise ConfigurationError("steps_a: currents are whole tenths of an ampere")
    return steps


@attrs.frozen(kw_only=True)
class SimulationSettings:
    """One simulated EVSE and its car.

    Raises `txocpp.errors.ConfigurationError` that begins with the name of the setting.
    """

    maximum_current_a: Decimal = _decimal(
        32, MINIMUM_CURRENT_A, 80, "0.1", "most that the EVSE can offer, A per phase"
    )
    phases: int = _choice(3, (1, 2, 3), "phases wired to the EVSE")
    can_switch_phases: bool = _switch(False, "may change between one and three phases")
    steps_a: tuple[Decimal, ...] = attrs.field(
        default=(),
        converter=_steps,
        metadata={"doc": "the only currents that can be offered; empty: any tenth of an ampere"},
    )
    lock: bool = _switch(False, "a socket with a lock; else a fixed cable")
    voltage_v: Decimal = _decimal(230, 90, 300, "0.001", "between a phase and neutral")
    plugged: bool = _switch(False, "a car is plugged in when the device is switched on")
    ready: bool = _switch(True, "a car asks for energy as soon as it is offered some")
    car_max_a: Decimal = _decimal(16, 1, 80, "0.001", "on-board charger, A per phase")
    car_min_a: Decimal = _decimal(
        6, MINIMUM_CURRENT_A, 32, "0.001", "the car does not begin below this offer"
    )
    car_phases: int = _choice(3, (1, 2, 3), "phases that the car can use")
    battery_wh: Decimal = _decimal(60_000, 1, 1_000_000, "1", "capacity of the battery")
    soc_percent: Decimal = _decimal(30, 0, 100, "0.001", "state of charge at the start")
    taper_from_percent: Decimal = _decimal(
        90, 0, 100, "1", "from this state of charge on the car draws less with each percent"
    )
    follow_s: Decimal = _decimal(2, 0, 30, "0.001", "how long the car takes to follow an offer")
    wake_s: Decimal = _decimal(1, 0, 600, "0.001", "how long the car takes to ask for energy")

    def changed(self, changes: Mapping[str, Any]) -> SimulationSettings:
        """The same with some settings changed; an unknown name is refused."""
        known = attrs.fields_dict(type(self))
        for name in changes:
            if name not in known:
                raise ConfigurationError(f"{name}: no such setting of a simulated charger")
        return attrs.evolve(self, **changes)


CAR_SETTINGS = frozenset(
    {
        "ready",
        "car_max_a",
        "car_min_a",
        "car_phases",
        "battery_wh",
        "soc_percent",
        "taper_from_percent",
        "follow_s",
        "wake_s",
    }
)
"""Settings of the car: they may be changed while the device runs."""


def simulation_settings(
    options: Mapping[str, Any], connectors: int = 1
) -> tuple[SimulationSettings, ...]:
    """Settings of `connectors` EVSEs from one table of options.

    The options hold for all of them; a table ``connector`` inside, keyed by the 1-based number,
    changes single ones: ``{"car_max_a": 16, "connector": {"2": {"car_phases": 1}}}``. Raises
    `txocpp.errors.ConfigurationError` naming the setting and, below ``connector``, its place.
    """
    common = {name: value for name, value in options.items() if name != "connector"}
    base = SimulationSettings().changed(common)
    single = options.get("connector", {})
    if not isinstance(single, Mapping):
        raise ConfigurationError("connector: must be a table of tables, one per connector number")
    numbers = {str(number) for number in range(1, connectors + 1)}
    for number in single:
        if str(number) not in numbers:
            raise ConfigurationError(f"connector.{number}: there are only {connectors} connectors")
    settings = []
    for number in range(1, connectors + 1):
        changes = single.get(str(number), {})
        if not isinstance(changes, Mapping):
            raise ConfigurationError(f"connector.{number}: must be a table")
        try:
            settings.append(base.changed(changes))
        except ConfigurationError as error:
            raise ConfigurationError(f"connector.{number}.{error}") from None
    return tuple(settings)
