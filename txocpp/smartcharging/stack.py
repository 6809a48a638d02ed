"""The installed profiles of a charge point: install, replace, clear, bind, forget.

A `Stack` is a value: every verb returns an `Outcome` with the stack as it is afterwards, and what
came and went, so that a caller can write the change down before it takes effect. A verb that
refuses returns the stack as it was (SR-633).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from txocpp.errors import CallRefused
from txocpp.smartcharging.acceptance import (
    Candidate,
    Fault,
    Status,
    first_fault,
    first_fault_of_remote_start,
)
from txocpp.smartcharging.installed import Installed
from txocpp.smartcharging.instants import to_seconds
from txocpp.smartcharging.profiles import Profile, Purpose
from txocpp.smartcharging.station import Station, StationKeys, Transaction


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of a wish, and the stack afterwards."""

    status: Status
    """The answer's status. Without meaning if `refusal` is set."""
    stack: Stack
    rule: str = ""
    """The rule that decided against it; empty if accepted."""
    reason: str = ""
    """For people and logs; empty if accepted."""
    refusal: CallRefused | None = None
    """To be raised by a responder: the peer gets a CALLERROR, not a status."""
    installed: Installed | None = None
    """What was put in."""
    removed: tuple[Installed, ...] = ()
    """What was taken out."""

    @property
    def accepted(self) -> bool:
        return self.status is Status.ACCEPTED and self.refusal is None


@attrs.frozen
class Stack:
    """Everything that is installed, in the order of installation."""

    profiles: tuple[Installed, ...] = ()

    def __iter__(self) -> Iterator[Installed]:
        return iter(self.profiles)

    def __len__(self) -> int:
        return len(self.profiles)

    def get(self, profile_id: int) -> Installed | None:
        """The installed profile with this id."""
        return next((one for one in self.profiles if one.profile_id == profile_id), None)

    # What a central system asks for

    def install(
        self,
        profile: Profile,
        connector_id: int,
        *,
        received_at: datetime,
        station: Station,
        keys: StationKeys,
    ) -> Outcome:
        """SetChargingProfile: check (SR-601 to SR-619), replace (SR-631, SR-632), install."""
        fault = first_fault(Candidate(profile, connector_id, station, keys))
        if fault is not None:
            return self._refused(fault)
        transaction_id = profile.transaction_id
        if profile.purpose is Purpose.TX_PROFILE:
            # SR-608: without a transactionId it is bound to the one that runs.
            transaction_id = station.transactions[connector_id].transaction_id
        outcome = self.put(Installed(profile, connector_id, received_at, transaction_id))
        # SR-618: counted after the replacements have left.
        if len(outcome.stack) > keys.max_installed:
            return self._refused(
                Fault("SR-618", f"{keys.max_installed} charging profiles are installed already")
            )
        return outcome

    def clear(
        self,
        *,
        profile_id: int | None = None,
        connector_id: int | None = None,
        purpose: Purpose | None = None,
        stack_level: int | None = None,
    ) -> Outcome:
        """ClearChargingProfile: by id alone, else by all that is given; nothing given: everything.

        Unknown if nothing matched (SR-641 to SR-645).
        """
        if profile_id is not None:
            return self._without(lambda one: one.profile_id == profile_id, if_none=Status.UNKNOWN)

        def matches(one: Installed) -> bool:
            wanted = (connector_id, purpose, stack_level)
            return all(w is None or w == has for w, has in zip(wanted, one.slot, strict=True))

        return self._without(matches, if_none=Status.UNKNOWN)

    def check_remote_start(self, profile: Profile, *, keys: StationKeys) -> Outcome:
        """Whether a RemoteStartTransaction with this profile may be accepted (SR-701).

        Installs nothing: keep the profile with the pending start and `bind` it when the
        transaction begins, or drop it (SR-702). A station without smart charging accepts and
        ignores the profile.
        """
        if not keys.purposes:
            return Outcome(status=Status.ACCEPTED, stack=self)
        fault = first_fault_of_remote_start(profile, keys)
        if fault is None and len(self) >= keys.max_installed:
            fault = Fault("SR-618", f"{keys.max_installed} charging profiles are installed already")
        return self._refused(fault) if fault else Outcome(status=Status.ACCEPTED, stack=self)

    # What happens to transactions

    def bind(
        self,
        profile: Profile,
        connector_id: int,
        *,
        received_at: datetime,
        transaction_id: int | None = None,
    ) -> Outcome:
        """A transaction begins that a RemoteStartTransaction with this profile had asked for.

        Not checked again: the promise was given by `check_remote_start` (SR-702).
        """
        return self.put(Installed(profile, connector_id, received_at, transaction_id))

    def end_transaction(self, connector_id: int) -> Outcome:
        """Delete the TxProfiles of a connector whose transaction has ended (SR-706)."""
        return self._without(
            lambda one: (
                one.profile.purpose is Purpose.TX_PROFILE and one.connector_id == connector_id
            )
        )

    def resume(self, transactions: Mapping[int, Transaction]) -> Outcome:
        """After a restart: keep TxProfiles only for transactions that go on (SR-707)."""
        return self._without(
            lambda one: (
                one.profile.purpose is Purpose.TX_PROFILE
                and not one.belongs_to(transactions.get(one.connector_id))
            )
        )

    def prune(self, now: datetime) -> Outcome:
        """Delete what can never again give a limit nor hide one that does (SR-713).

        TxProfiles stay until their transaction ends.
        """
        now_s = to_seconds(now)
        # A TxDefaultProfile of a connector hides that of connector 0 at its level for as long as
        # it is installed (SR-304), so then its removal would change a composite schedule.
        hidden = {one.slot for one in self.profiles if one.connector_id == 0}

        def is_over(one: Installed) -> bool:
            ends_at = one.profile.ends_at_s
            if ends_at is None or one.profile.purpose is Purpose.TX_PROFILE:
                return False
            masks = one.connector_id != 0 and (0, *one.slot[1:]) in hidden
            # The second validTo may itself still count (C3).
            return now_s > ends_at and not masks

        return self._without(is_over)

    # Bookkeeping

    def put(self, installed: Installed) -> Outcome:
        """Install without any check, in place of the same id and of the same slot.

        Also the record that a central system keeps of what was accepted (SR-A07).
        """
        gone = tuple(
            one
            for one in self.profiles
            if one.profile_id == installed.profile_id or one.slot == installed.slot
        )
        stay = tuple(one for one in self.profiles if one not in gone)
        return Outcome(
            status=Status.ACCEPTED,
            stack=Stack((*stay, installed)),
            installed=installed,
            removed=gone,
        )

    def to_documents(self) -> list[dict[str, Any]]:
        """Plain JSON values of everything, in order."""
        return [one.to_document() for one in self.profiles]

    @classmethod
    def from_documents(cls, documents: Iterable[Mapping[str, Any]]) -> Stack:
        """Read what `to_documents` wrote, in any order. Raises `txocpp.errors.StoreError`."""
        profiles = [Installed.from_document(document) for document in documents]
        return cls(tuple(sorted(profiles, key=lambda one: one.received_at)))

    def _refused(self, fault: Fault) -> Outcome:
        return Outcome(
            status=fault.status,
            stack=self,
            rule=fault.rule,
            reason=fault.reason,
            refusal=fault.refusal,
        )

    def _without(
        self, unwanted: Callable[[Installed], bool], *, if_none: Status = Status.ACCEPTED
    ) -> Outcome:
        gone = tuple(one for one in self.profiles if unwanted(one))
        stay = tuple(one for one in self.profiles if not unwanted(one))
        if not gone:
            return Outcome(
                status=if_none,
                stack=self,
                reason="no installed profile matches" if if_none is Status.UNKNOWN else "",
            )
        return Outcome(status=Status.ACCEPTED, stack=Stack(stay), removed=gone)
