"""Watches a house while it runs, and looks at the books when everything has calmed down.

It believes nothing that the charge point says of itself where it can look elsewhere: energy is read
off the charger, messages off the line, permissions off the doors of the process.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from . import law
from .central import TRANSACTION_MESSAGES, Heard, contents

if TYPE_CHECKING:
    from .town import Town

MESSAGE_TIMEOUT_S = 30.0
PROMPT = timedelta(milliseconds=50)
"""A limit counts as in force only after this time."""


@attrs.define
class Book:
    """One transaction as the central system has been told of it."""

    number: int
    start: dict[str, Any]
    stop: dict[str, Any] | None = None


class Referee:
    """Collects violations; the town stops at the first one."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.violations: list[str] = []
        self.profiles: list[law.Accepted] = []
        self.certain = True
        """Whether `profiles` is all that the station has."""
        self.outages = 0
        """How often the charger itself was away: then some energy may have gone unseen."""
        self.steps = 0
        """How often a clock was set."""
        self.transmissions: Counter[str] = Counter()
        self.permissions: list[tuple[int, int]] = []
        """Connector and register of each permission to charge."""
        self.books: dict[int, Book] = {}
        self.registers: dict[int, Decimal] = {}
        """The highest register told, by connector."""
        self._status: dict[int, str] = {}
        self._out: tuple[str, float] | None = None
        self._pending: dict[str, tuple[str, dict[str, Any]]] = {}
        self._times: dict[int, datetime] = {}

    def blame(self, violation: str) -> None:
        """Something is not as it must be."""
        self.town.note(f"VIOLATION {violation}")
        self.violations.append(violation)

    # The line, at the station's end.

    def connected(self) -> None:
        """A new connection: what was under way on the old one is gone."""
        self._out = None
        self._doubt()

    def died(self) -> None:
        """The process is no more."""
        self._doubt()

    def _doubt(self) -> None:
        # What was asked for may have been done without an answer.
        if any(action in PROFILES for action, payload in self._pending.values()):
            self.certain = False
        self._pending.clear()

    def station_says(self, text: str) -> None:
        """A frame leaves the station."""
        frame = json.loads(text)
        if frame[0] == 2:
            self._call_goes_out(*frame[1:])
        elif frame[1] in self._pending:
            action, payload = self._pending.pop(frame[1])
            if frame[0] == 3 and action in PROFILES:
                self._profiles_answered(action, payload, frame[2])

    def station_hears(self, text: str) -> None:
        """A frame reaches the station."""
        frame = json.loads(text)
        if frame[0] == 2:
            self._pending[frame[1]] = (frame[2], frame[3])
        elif self._out is not None and self._out[0] == frame[1]:
            self._out = None

    def _call_goes_out(self, message_id: str, action: str, payload: dict[str, Any]) -> None:
        now = self.town.clock.seconds()
        if self._out is not None and now - self._out[1] < MESSAGE_TIMEOUT_S - 0.001:
            self.blame(f"{action} is sent while another call is out")
        self._out = (message_id, now)
        if action in TRANSACTION_MESSAGES:
            self.transmissions[contents(action, payload)] += 1

    def _profiles_answered(
        self, action: str, payload: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        if action == "SetChargingProfile":
            if answer["status"] == "Accepted":
                new = law.Accepted(payload["connectorId"], payload["csChargingProfiles"])
                self.profiles = [p for p in self.profiles if not new.replaces(p)] + [new]
        elif not payload:
            self.profiles.clear()
            self.certain = True
        elif answer["status"] == "Accepted":
            self.profiles = [
                p for p in self.profiles if p.wire["chargingProfileId"] != payload["id"]
            ]

    # The charger.

    def permitted(self, connector: int) -> None:
        """The process lets an EVSE charge."""
        if not self.town.device.evse(connector).outlet.permitted:
            self.permissions.append((connector, self.town.metered_wh(connector)))

    def outage(self) -> None:
        """The charger goes away."""
        self.outages += 1

    def watch(self) -> None:
        """Look at what is offered now."""
        process = self.town.process
        if process is None or not process.up:
            return
        assembly = process.station.assembly
        assert assembly is not None
        if len(assembly.outbox) > self.town.settings.behaviour.queue_limit:
            self.blame(f"{len(assembly.outbox)} messages are queued")
        offers = {evse.number: evse.state.offered_a for evse in self.town.device.evses}
        if not any(offers.values()):
            return
        now = assembly.clock.now()
        running = {t.connector_id: t for t in assembly.transactions.running()}
        self.profiles = [
            p
            for p in self.profiles
            if p.purpose != "TxProfile"
            or (t := running.get(p.connector)) is None
            or t.transaction_id == p.wire["transactionId"]
        ]
        for connector, offered_a in offers.items():
            transaction = running.get(connector)
            if offered_a and transaction is None:
                self.blame(f"connector {connector} offers {offered_a} A without a transaction")
            elif offered_a and self.certain and transaction is not None:
                allowed_a = max(
                    law.connector_limit_a(
                        self.profiles,
                        connector,
                        transaction.transaction_id,
                        moment,
                        transaction.started_at,
                        self.town.hardware_a,
                    )
                    for moment in (now, now - PROMPT)
                )
                if offered_a > allowed_a:
                    self.blame(f"connector {connector} offers {offered_a} A, {allowed_a} A allowed")
        self._watch_sum(sum(offers.values(), Decimal(0)), now)

    def _watch_sum(self, sum_a: Decimal, now: datetime) -> None:
        most_a = self.town.settings.grid.station_limit_a
        limits_a = [most_a] if most_a is not None else []
        if self.certain:
            told_a = [law.station_limit_a(self.profiles, t) for t in (now, now - PROMPT)]
            if None not in told_a:
                limits_a.append(max(one for one in told_a if one is not None))
        if limits_a and sum_a > min(limits_a):
            self.blame(f"{sum_a} A are offered together, {min(limits_a)} A allowed")

    # The central system.

    def booted(self, accepted: bool) -> None:
        """After a boot a connector may show anything."""
        self._status.clear()

    def status(self, connector: int, status: str) -> None:
        """A status has been told."""
        before = self._status.get(connector, status)
        self._status[connector] = status
        if connector == 0:
            if status not in ("Available", "Unavailable", "Faulted"):
                self.blame(f"the station is {status}")
        elif not law.may_follow(before, status):
            self.blame(f"connector {connector} went from {before} to {status}")

    def acted(self, heard: Heard) -> None:
        """The central system has taken in a message of a transaction, for the first time."""
        payload = heard.payload
        if heard.action == "StartTransaction":
            number = heard.answer["transactionId"]
            self.books[number] = Book(number, payload)
            self._told(payload["connectorId"], payload["meterStart"], payload["timestamp"])
        elif heard.action == "StopTransaction":
            self._stopped(payload)
        else:
            self._metered(payload)

    def _stopped(self, payload: dict[str, Any]) -> None:
        book = self.books.get(payload["transactionId"]) or self._unnumbered()
        if book is None:
            if not self._may_be_without_number():
                self.blame(f"a stop of transaction {payload['transactionId']}, which never began")
            return
        if book.stop is not None:
            self.blame(f"transaction {book.number} is stopped twice")
        book.stop = payload
        connector = book.start["connectorId"]
        for value in payload.get("transactionData", ()):
            for sample in value["sampledValue"]:
                if sample["measurand"] == ENERGY and not (
                    book.start["meterStart"] <= Decimal(sample["value"]) <= payload["meterStop"]
                ):
                    self.blame(f"transaction {book.number}: data outside of its registers")
        at = None if payload.get("reason") == "PowerLoss" else payload["timestamp"]
        self._told(connector, payload["meterStop"], at)

    def _unnumbered(self) -> Book | None:
        """The transaction whose start was taken in, but so often not answered that it was given
        up: its stop has no number (TX-29)."""
        return next(
            (
                book
                for book in self.books.values()
                if book.stop is None
                and self.transmissions[contents("StartTransaction", book.start)]
                >= self.town.attempts
            ),
            None,
        )

    def _metered(self, payload: dict[str, Any]) -> None:
        connector = payload["connectorId"]
        number = payload.get("transactionId")
        if number is not None:
            book = self.books.get(number)
            if book is None and not self._may_be_without_number():
                self.blame(f"values of transaction {number}, which never began")
            elif book is not None and book.stop is not None:
                self.blame(f"values of transaction {number}, which has ended")
            elif book is not None and book.start["connectorId"] != connector:
                self.blame(f"values of transaction {number} at connector {connector}")
        for value in payload["meterValue"]:
            for sample in value["sampledValue"]:
                if sample["measurand"] == ENERGY:
                    self._told(connector, Decimal(sample["value"]), value["timestamp"])

    def _told(self, connector: int, register_wh: Any, timestamp: str | None) -> None:
        """A register reading has been told."""
        if register_wh < self.registers.get(connector, 0):
            self.blame(
                f"connector {connector}: the register went back from "
                f"{self.registers[connector]} to {register_wh} Wh"
            )
        self.registers[connector] = Decimal(register_wh)
        if register_wh > self.town.metered_wh(connector):
            self.blame(f"connector {connector}: {register_wh} Wh were never metered")
        if timestamp is None or self.steps:
            return
        at = datetime.fromisoformat(timestamp)
        if at < self._times.get(connector, at):
            self.blame(f"connector {connector}: {timestamp} comes after {self._times[connector]}")
        self._times[connector] = at

    def _may_be_without_number(self) -> bool:
        """A start may have been given up."""
        return any(
            count >= self.town.attempts and key.startswith("StartTransaction")
            for key, count in self.transmissions.items()
        )

    # The books.

    def settle(self) -> None:
        """Everything is quiet and delivered: compare what was told with what was metered."""
        town = self.town
        assert town.process is not None
        assert town.process.station.assembly is not None
        assembly = town.process.station.assembly
        if len(assembly.outbox):
            self.blame(f"{len(assembly.outbox)} messages are still queued")
        left = town.process.disk.contents()
        for table in ("outbox", "transactions", "transaction-data"):
            if table in left:
                self.blame(f"{len(left[table])} documents are left in {table}")
        for connector, bay in assembly.bays.items():
            shown = bay.reporter.current.status.value
            told = town.central.statuses.get(connector)
            if shown != told:
                self.blame(f"connector {connector} is {shown}, the central system believes {told}")
        if not self._something_given_up():
            for connector in range(1, town.connectors + 1):
                self._settle_connector(connector)

    def _something_given_up(self) -> bool:
        acted = {contents(h.action, h.payload) for h in self.town.central.heard}
        return any(
            key not in acted and count >= self.town.attempts
            for key, count in self.transmissions.items()
            if not key.startswith("MeterValues")
        )

    def _settle_connector(self, connector: int) -> None:
        books = [b for b in self.books.values() if b.start["connectorId"] == connector]
        seen: set[str] = set()
        at_wh, last = 0, "the beginning"
        for book in books:
            name = f"transaction {book.number} of connector {connector}"
            key = f"{book.start['timestamp']} {book.start['idTag']}"
            if key in seen:
                self.blame(f"{name} is reported twice")
            seen.add(key)
            if book.stop is None:
                self.blame(f"{name} has no end")
                return
            self._compare(f"between {last} and {name}", book.start["meterStart"] - at_wh)
            at_wh, last = book.stop["meterStop"], name
        if not self.town.forgetful:
            self._compare(f"after {last}", self.town.metered_wh(connector) - at_wh)
        for permitted, register_wh in self.permissions:
            if (
                permitted == connector
                and not any(
                    b.start["meterStart"] <= register_wh <= (b.stop or b.start)["meterStop"]
                    for b in books
                )
                and not self.outages
            ):
                self.blame(f"connector {connector} was permitted at {register_wh} Wh for nobody")

    def _compare(self, where: str, missing_wh: int) -> None:
        """Energy that is in no transaction, or in two."""
        if missing_wh < 0:
            self.blame(f"{-missing_wh} Wh are told twice {where}")
        elif missing_wh > self.town.unseen_wh:
            self.blame(f"{missing_wh} Wh are in no transaction {where}")


ENERGY = "Energy.Active.Import.Register"
PROFILES = ("SetChargingProfile", "ClearChargingProfile")
