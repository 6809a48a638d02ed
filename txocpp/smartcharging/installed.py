"""A profile that was accepted, with what acceptance adds: where, when, for which transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import attrs

from txocpp.errors import StoreError, TxocppError
from txocpp.smartcharging.course import Course
from txocpp.smartcharging.documents import read_instant, read_profile, write_instant, write_profile
from txocpp.smartcharging.instants import to_seconds
from txocpp.smartcharging.profiles import Profile, Purpose
from txocpp.smartcharging.station import Transaction


@attrs.frozen
class Installed:
    """One installed profile."""

    profile: Profile
    connector_id: int
    """Where it was installed; 0 is the charge point."""
    received_at: datetime
    """When it was accepted: the base of a Relative ChargePointMaxProfile (SR-208)."""
    transaction_id: int | None = None
    """The transaction that a TxProfile is bound to; None while it has no number (SR-608)."""

    def __attrs_post_init__(self) -> None:
        to_seconds(self.received_at)

    @property
    def profile_id(self) -> int:
        return self.profile.profile_id

    @property
    def slot(self) -> tuple[int, Purpose, int]:
        """Only one profile can be in a slot: connector, purpose and level (SR-632)."""
        return self.connector_id, self.profile.purpose, self.profile.stack_level

    @cached_property
    def course(self) -> Course:
        """Its periods, prepared for searching."""
        return Course(self.profile)

    def belongs_to(self, transaction: Transaction | None) -> bool:
        """True if this TxProfile is for the transaction that runs on its connector."""
        if transaction is None:
            return False
        return self.transaction_id is None or self.transaction_id == transaction.transaction_id

    def to_document(self) -> dict[str, Any]:
        """Plain JSON values, for the store (SR-707)."""
        document = {
            "connectorId": self.connector_id,
            "receivedAt": write_instant(self.received_at),
            "csChargingProfiles": write_profile(self.profile),
        }
        if self.transaction_id is not None:
            document["transactionId"] = self.transaction_id
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Installed:
        """Read what `to_document` wrote. Raises `StoreError` that names the field."""
        try:
            return cls(
                read_profile(document["csChargingProfiles"], "csChargingProfiles"),
                int(document["connectorId"]),
                read_instant(document["receivedAt"], "receivedAt"),
                document.get("transactionId"),
            )
        except KeyError as missing:
            raise StoreError(f"stored charging profile without {missing}") from missing
        except (TxocppError, TypeError, ValueError) as fault:
            raise StoreError(f"stored charging profile: {fault}") from fault
