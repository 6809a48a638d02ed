"""Which installed profiles speak for a connector, and which one before which.

TxProfile before TxDefaultProfile (SR-402), the higher level before the lower one (SR-301), a
connector's own TxDefaultProfile in place of that of connector 0 (SR-304).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo

import attrs

from txocpp.smartcharging.installed import Installed
from txocpp.smartcharging.instants import to_seconds
from txocpp.smartcharging.profiles import Purpose
from txocpp.smartcharging.stack import Stack
from txocpp.smartcharging.station import Station
from txocpp.smartcharging.switches import (
    RelativeTxBase,
    RelativeWithoutTx,
    Switches,
    TxDefaultScope,
)
from txocpp.smartcharging.timeline import Layer, lay


@attrs.frozen
class Precedence:
    """The order of the layers, as seen at one moment of asking."""

    stack: Stack
    station: Station
    switches: Switches
    zone: tzinfo | None
    asked_at_s: int
    """When an idle connector is taken to begin a transaction (SR-207)."""

    def maximum(self) -> list[Layer]:
        """ChargePointMaxProfiles, highest first."""
        return self._laid(
            (one, to_seconds(one.received_at))  # SR-208
            for one in self._by_level(Purpose.CHARGE_POINT_MAX_PROFILE)
        )

    def transaction(self, connector_id: int) -> list[Layer]:
        """What limits the transaction of a connector, or one that might begin there."""
        own = self._of_transaction(connector_id)
        if own and self.switches.tx_profile_hides_tx_default:
            return self._laid(own)
        return self._laid([*own, *self._defaults(connector_id)])

    def _of_transaction(self, connector_id: int) -> list[tuple[Installed, int | None]]:
        running = self.station.transactions.get(connector_id)
        if running is None:
            return []
        started_at = to_seconds(running.started_at)
        from_reception = self.switches.relative_tx_base is RelativeTxBase.RECEIVED
        return [
            (one, to_seconds(one.received_at) if from_reception else started_at)
            for one in self._by_level(Purpose.TX_PROFILE, connector_id)
            if one.belongs_to(running)
        ]

    def _defaults(self, connector_id: int) -> list[tuple[Installed, int | None]]:
        own = self._by_level(Purpose.TX_DEFAULT_PROFILE, connector_id)
        masked = {one.profile.stack_level for one in own}
        common = [
            one
            for one in self._by_level(Purpose.TX_DEFAULT_PROFILE)
            if one.profile.stack_level not in masked
        ]
        order = [*own, *common]
        if self.switches.tx_default_scope is TxDefaultScope.PER_LEVEL:
            order.sort(key=_level, reverse=True)
        base = self._base_of_default(connector_id)
        return [(one, base) for one in order]

    def _base_of_default(self, connector_id: int) -> int | None:
        running = self.station.transactions.get(connector_id)
        if running is not None:
            return to_seconds(running.started_at)
        if self.switches.relative_without_tx is RelativeWithoutTx.IGNORE:
            return None
        return self.asked_at_s

    def _by_level(self, purpose: Purpose, connector_id: int = 0) -> list[Installed]:
        found = [
            one
            for one in self.stack
            if one.profile.purpose is purpose and one.connector_id == connector_id
        ]
        return sorted(found, key=_level, reverse=True)

    def _laid(self, order: Iterable[tuple[Installed, int | None]]) -> list[Layer]:
        layers = (
            lay(
                one,
                base_s,
                valid_to_inclusive=self.switches.valid_to_inclusive,
                recur_backwards=self.switches.recur_backwards,
                zone=self.zone,
            )
            for one, base_s in order
        )
        return [layer for layer in layers if layer is not None]


def _level(installed: Installed) -> int:
    return installed.profile.stack_level
