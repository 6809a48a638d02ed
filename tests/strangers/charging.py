"""What drivers do and central systems send, again and again."""

from __future__ import annotations

from typing import Any

from daemons import ChargePoint
from strangers import ForeignPeer


def profile(limit_a: float, **more: Any) -> dict[str, Any]:
    """A charging profile with one limit, a TxProfile unless told otherwise."""
    made: dict[str, Any] = {
        "chargingProfileId": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a}],
        },
    }
    return {**made, **more}


async def plug_and_swipe(cp: ChargePoint, connector: int = 1, tag: str = "TAG1") -> None:
    """A driver comes."""
    await cp.do("plug_in", connector=connector)
    await cp.do("swipe", id_tag=tag, connectors=[connector])


async def status(office: ForeignPeer, connector: int, *wanted: str) -> dict[str, Any]:
    """Wait until a connector reports one of these statuses."""
    return await office.expect(
        "StatusNotification", connectorId=connector, status=lambda s: s in wanted
    )
