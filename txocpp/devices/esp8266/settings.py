"""How a host treats an evlink/1 device: what may be configured."""

# ruff: noqa: RUF009 -- the calls below make attrs fields, once per class

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import attrs

from txocpp.errors import ConfigurationError
from txocpp.evse import MINIMUM_CURRENT_A


def _current() -> Any:
    """A current that is 0 or can be offered, or None."""

    def convert(value: Any, field: attrs.Attribute[Decimal | None]) -> Decimal | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ConfigurationError(f"{field.name}: {value!r} is not a number of amperes")
        current_a = Decimal(str(value))
        if current_a and not MINIMUM_CURRENT_A <= current_a <= 80:
            raise ConfigurationError(f"{field.name}: {value} A is neither 0 nor within 6 and 80")
        return current_a

    return attrs.field(default=None, converter=attrs.Converter(convert, takes_field=True))


def _whole(least: int, most: int) -> Callable[[Any, attrs.Attribute[int], Any], None]:
    def check(_: Any, field: attrs.Attribute[int], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ConfigurationError(f"{field.name}: {value!r} is not within {least} and {most}")

    return check


def _truth(_: Any, field: attrs.Attribute[bool], value: Any) -> None:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{field.name}: {value!r} is neither true nor false")


@attrs.frozen(kw_only=True)
class EvlinkSettings:
    """How the host treats an evlink/1 device.

    Raises `txocpp.errors.ConfigurationError` that begins with the name of the setting. Of the
    currents None leaves the device's own setting as it is.
    """

    lease_s: int = attrs.field(default=30, validator=_whole(5, 600))
    """How long a limit holds after the host was heard last."""
    fallback_a: Decimal | None = _current()
    """What the device offers when the host has fallen silent, 0: it stops."""
    boot_a: Decimal | None = _current()
    """What it offers before any host has spoken, 0: nothing."""
    maximum_a: Decimal | None = _current()
    """The most that it may ever offer, 0: what the hardware can."""
    report_every_s: int = attrs.field(default=0, validator=_whole(0, 3600))
    """How often it sends a meter reading by itself; 0: never."""
    insecure: bool = attrs.field(default=False, validator=_truth)
    """A TCP line may be used without a key."""
    open_on_stop: bool = attrs.field(default=True, validator=_truth)
    """Take the permissions when the host stops; else the device's lease decides."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> EvlinkSettings:
        """Settings from a table of a configuration file; unknown names are refused."""
        for name in options:
            if name not in attrs.fields_dict(cls):
                raise ConfigurationError(f"{name}: no such setting of an evlink device")
        return cls(**options)
