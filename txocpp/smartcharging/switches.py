"""Where OCPP 1.6 can be read in two ways: one switch per question, our reading as the default.

The numbers C1 to C24 are those of the table in docs/smart-charging.md. Questions without a switch
are decided there for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from txocpp.errors import ConfigurationError


class TxDefaultScope(StrEnum):
    """How the TxDefaultProfiles of a connector and of connector 0 mix (C2)."""

    PER_LEVEL = "per-level"
    """A connector's own profile stands in for that of connector 0 at its level only."""
    CONNECTOR_FIRST = "connector-first"
    """The connector's own stack first; that of connector 0 where it gives nothing."""


class RelativeWithoutTx(StrEnum):
    """What a Relative profile says while there is no transaction (C5)."""

    NOW = "now"
    """As if a transaction began at the moment of asking."""
    IGNORE = "ignore"


class PhaseConversion(StrEnum):
    """With which number of phases W and A are converted when several limits meet (C7)."""

    LOWEST = "lowest"
    """With the lowest one of all limits that are combined."""
    PER_PERIOD = "per-period"
    """Each limit with its own."""


class Connector0(StrEnum):
    """What the composite schedule of connector 0 is (C8)."""

    SUM = "sum"
    """What all connectors together may draw, under the maximum."""
    MAX_ONLY = "max-only"
    """The ChargePointMaxProfile alone."""


class RelativeTxBase(StrEnum):
    """From when a Relative TxProfile counts that came in mid-transaction (C11)."""

    TRANSACTION = "transaction"
    RECEIVED = "received"


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


@attrs.frozen(kw_only=True)
class Switches:
    """The readings in force."""

    tx_profile_hides_tx_default: bool = attrs.field(default=False, converter=_flag)
    """C1. True: while a transaction has any TxProfile, TxDefaultProfiles never apply to it, not
    even where the TxProfile gives no limit."""
    tx_default_scope: TxDefaultScope = attrs.field(
        default=TxDefaultScope.PER_LEVEL, converter=TxDefaultScope
    )
    """C2."""
    valid_to_inclusive: bool = attrs.field(default=False, converter=_flag)
    """C3. True: the second validTo still counts."""
    recur_backwards: bool = attrs.field(default=False, converter=_flag)
    """C4. True: a Recurring profile also recurs before its startSchedule."""
    relative_without_tx: RelativeWithoutTx = attrs.field(
        default=RelativeWithoutTx.NOW, converter=RelativeWithoutTx
    )
    """C5."""
    cap_at_local_limit: bool = attrs.field(default=True, converter=_flag)
    """C6. False: the local limit fills gaps only, a profile may exceed it in the answer."""
    phase_conversion: PhaseConversion = attrs.field(
        default=PhaseConversion.LOWEST, converter=PhaseConversion
    )
    """C7."""
    connector0: Connector0 = attrs.field(default=Connector0.SUM, converter=Connector0)
    """C8."""
    relative_tx_base: RelativeTxBase = attrs.field(
        default=RelativeTxBase.TRANSACTION, converter=RelativeTxBase
    )
    """C11."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Switches:
        """Read a table of a configuration file.

        Raises `ConfigurationError` that names the switch, what it holds and what it may hold.
        """
        known = attrs.fields_dict(cls)
        for name, value in values.items():
            if name not in known:
                raise ConfigurationError(
                    f"smart charging switch {name}: not known; there are {', '.join(known)}"
                )
            try:
                cls(**{name: value})
            except ValueError:
                default: Any = known[name].default
                choices = (
                    ["true", "false"]
                    if isinstance(default, bool)
                    else [str(one) for one in type(default)]
                )
                raise ConfigurationError(
                    f"smart charging switch {name}: {value!r} is none of {', '.join(choices)}"
                ) from None
        return cls(**values)
