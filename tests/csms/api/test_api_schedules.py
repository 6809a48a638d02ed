"""Limits over time, as the pages draw them."""

from __future__ import annotations

import pytest
from api_rig import Client
from street import Street, instant

WHERE = "/api/stations/CP1/schedules"


@pytest.fixture
def client(street: Street) -> Client:
    """Somebody on this computer."""
    return Client(street)


def test_each_profile_is_told_beside_the_composite(street: Street, client: Client) -> None:
    """The lowest limit is in force, the strongest profile comes first, and gaps are gaps."""
    street.booted().status("Available")
    client.post("/api/stations/CP1/limit", connector_id=0, limit_a=20)
    client.post("/api/stations/CP1/limit", connector_id=1, limit_a=10, duration_s=3600)
    found = client.get(f"{WHERE}?connector_id=1&duration_s=7200").json
    assert (found["unit"], found["since"]) == ("A", instant())
    limits = [(step["at"], step["limit"]) for step in found["composite"]]
    assert limits == [(instant(), 10), (instant(3600), 20)]
    lines = {line["purpose"]: line for line in found["profiles"]}
    assert set(lines) == {"ChargePointMaxProfile", "TxDefaultProfile"}
    assert [step["limit"] for step in lines["TxDefaultProfile"]["steps"]] == [10, None]
    assert lines["ChargePointMaxProfile"]["connector_id"] == 0


def test_without_profiles_there_is_no_limit(street: Street, client: Client) -> None:
    """One step with null, from whenever is asked."""
    street.booted().status("Available")
    found = client.get(f"{WHERE}?since=2026-01-02T03:04:05Z&unit=W").json
    assert found["composite"] == [{"at": "2026-01-02T03:04:05Z", "limit": None}]
    assert found["profiles"] == []


def test_what_is_not_there(street: Street, client: Client) -> None:
    """404 for a station or connector that nobody knows, 400 for a stretch of more than a month."""
    street.booted().status("Available")
    assert client.get("/api/stations/NOBODY/schedules").status == 404
    client.post("/api/stations/CP1/limit", connector_id=1, limit_a=10)
    assert client.get(f"{WHERE}?connector_id=7").status == 404
    assert client.get(f"{WHERE}?duration_s=9999999").status == 400
