"""The story that the demonstration plays, and the checks that it came out right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from twisted.internet.defer import Deferred

from txocpp.cli.demonstration.house import CONNECTORS, House
from txocpp.cli.demonstration.screen import Screen
from txocpp.storage.central.transactions import TransactionRecord, TransactionState

TAG = "DEMO-TAG"
MINUTE_S = 60


class StoryFailed(Exception):
    """The story did not come out right; the text says at which point."""


class Story:
    """Acts in order. `breathe` lets people read between two acts."""

    def __init__(
        self, house: House, screen: Screen, breathe: Callable[[], Awaitable[None]]
    ) -> None:
        self._house = house
        self._screen = screen
        self._breathe = breathe

    async def play(self) -> None:
        """All of it. Raises `StoryFailed`."""
        await self._act("A charge point with two connectors boots", self._boot)
        await self._act("A car is plugged in, a tag is held to the reader", self._first_car)
        await self._act("The grid is busy: a charging profile sets 8 A, later 12 A", self._profile)
        await self._act("A second car, started from afar", self._second_car)
        await self._act("The fuse of the house allows 20 A for both", self._fuse)
        await self._act("Ten minutes without power for connector 1", self._pause)
        await self._act("Both cars leave", self._leave)
        await self._act("The books agree", self._books)

    async def _act(self, title: str, act: Callable[[], Awaitable[None]]) -> None:
        self._screen.chapter(title)
        await self._breathe()
        await act()

    async def _boot(self) -> None:
        await self._house.open()
        for connector in range(1, CONNECTORS + 1):
            await self._status(connector, "Available")

    async def _first_car(self) -> None:
        self._happens("a car is plugged in at connector 1")
        self._house.evse(1).plug_in()
        await self._status(1, "Preparing")
        await self._pass(20)
        self._happens(f"tag {TAG} at the reader")
        self._house.device.swipe(TAG, [1])
        await self._status(1, "Charging")
        await self._pass(10 * MINUTE_S)
        await self._current(1, Decimal(15), Decimal(16))

    async def _profile(self) -> None:
        answer = await self._house.ask(
            "SetChargingProfile",
            {
                "connectorId": 1,
                "csChargingProfiles": {
                    "chargingProfileId": 1,
                    "transactionId": await self._transaction_id(1),
                    "stackLevel": 0,
                    "chargingProfilePurpose": "TxProfile",
                    "chargingProfileKind": "Absolute",
                    "chargingSchedule": {
                        "startSchedule": _instant(self._house.now()),
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": [
                            {"startPeriod": 0, "limit": 8.0},
                            {"startPeriod": 15 * MINUTE_S, "limit": 12.0},
                        ],
                    },
                },
            },
        )
        self._require(answer["status"] == "Accepted", f"the profile was {answer['status']}")
        await self._pass(10)
        await self._current(1, Decimal(7), Decimal(8))
        await self._house.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 3600})
        await self._pass(16 * MINUTE_S)
        await self._current(1, Decimal(11), Decimal(12))

    async def _second_car(self) -> None:
        answer = await self._house.ask(
            "RemoteStartTransaction", {"connectorId": 2, "idTag": "GUEST"}
        )
        self._require(answer["status"] == "Accepted", f"the start was {answer['status']}")
        await self._pass(15)
        self._happens("a car is plugged in at connector 2")
        self._house.evse(2).plug_in()
        await self._status(2, "Charging")
        await self._pass(5 * MINUTE_S)
        await self._current(2, Decimal(15), Decimal(16))

    async def _fuse(self) -> None:
        answer = await self._house.ask(
            "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": _maximum(20)}
        )
        self._require(answer["status"] == "Accepted", f"the maximum was {answer['status']}")
        await self._pass(10)
        total = sum(gauge.current_a for gauge in self._house.gauges())
        self._require(18 <= total <= 20, f"both draw {total} A")
        await self._pass(10 * MINUTE_S)

    async def _pause(self) -> None:
        await self._house.ask(
            "SetChargingProfile",
            {
                "connectorId": 1,
                "csChargingProfiles": {
                    "chargingProfileId": 3,
                    "transactionId": await self._transaction_id(1),
                    "stackLevel": 1,
                    "chargingProfilePurpose": "TxProfile",
                    "chargingProfileKind": "Absolute",
                    "chargingSchedule": {
                        "startSchedule": _instant(self._house.now()),
                        "duration": 10 * MINUTE_S,
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 0.0}],
                    },
                },
            },
        )
        await self._status(1, "SuspendedEVSE")
        await self._pass(20)
        await self._current(1, Decimal(0), Decimal(0))
        await self._pass(10 * MINUTE_S)
        await self._status(1, "Charging")
        await self._house.ask("ClearChargingProfile", {})
        await self._pass(5 * MINUTE_S)
        await self._current(1, Decimal(15), Decimal(16))

    async def _leave(self) -> None:
        self._happens(f"tag {TAG} at the reader again")
        self._house.device.swipe(TAG, [1])
        await self._status(1, "Finishing")
        self._happens("the car is unplugged at connector 1")
        self._house.evse(1).plug_out()
        await self._status(1, "Available")
        transaction_id = await self._transaction_id(2)
        await self._house.ask("RemoteStopTransaction", {"transactionId": transaction_id})
        await self._status(2, "Finishing")
        self._happens("the car is unplugged at connector 2")
        self._house.evse(2).plug_out()
        await self._status(2, "Available")
        await self._pass(10)

    async def _books(self) -> None:
        records = await self._transactions()
        self._require(len(records) == CONNECTORS, f"{len(records)} transactions on record")
        for record in records:
            metered_wh = self._house.gauges()[(record.connector or 1) - 1].energy_wh
            billed_wh = record.energy_wh or 0
            self._require(
                0 < billed_wh == metered_wh,
                f"connector {record.connector}: {billed_wh} Wh on record, {metered_wh} Wh metered",
            )
            self._happens(
                f"connector {record.connector}: {billed_wh} Wh metered by the charger, "
                f"{billed_wh} Wh in the books of the central system ✓"
            )

    # --- helpers

    def _happens(self, what: str) -> None:
        self._screen.happened(self._house.now(), what)

    def _require(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise StoryFailed(otherwise)

    async def _pass(self, seconds: float) -> None:
        pause: Deferred[None] = Deferred()
        self._house.clock.callLater(seconds, pause.callback, None)
        await pause

    async def _status(self, connector: int, status: str) -> None:
        for _ in range(2 * MINUTE_S):
            if self._house.gauges()[connector - 1].status == status:
                return
            await self._pass(1)
        found = self._house.gauges()[connector - 1].status
        raise StoryFailed(f"connector {connector} is {found}, not {status}")

    async def _current(self, connector: int, least_a: Decimal, most_a: Decimal) -> None:
        current_a = self._house.gauges()[connector - 1].current_a
        self._require(
            least_a <= current_a <= most_a,
            f"connector {connector} draws {current_a} A, not {least_a} to {most_a} A",
        )

    async def _transactions(self) -> list[TransactionRecord]:
        return await self._house.transactions()

    async def _transaction_id(self, connector: int) -> int:
        for record in await self._transactions():
            if record.connector == connector and record.state == TransactionState.RUNNING:
                return record.id
        raise StoryFailed(f"no transaction runs on connector {connector}")


def _maximum(limit_a: int) -> dict[str, Any]:
    return {
        "chargingProfileId": 2,
        "stackLevel": 0,
        "chargingProfilePurpose": "ChargePointMaxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": float(limit_a)}],
        },
    }


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
