"""Whoever operates the central system in a test case: everything they do goes over the HTTP API."""

from __future__ import annotations

from typing import Any

from api_rig import Client
from street import ChargePoint, Street


class Desk:
    """An operator, and the one station that the test case is about."""

    def __init__(self, street: Street, identity: str = "CP1") -> None:
        self.street = street
        self.identity = identity
        self.client = Client(street)
        self.cp = ChargePoint(street, identity)

    def arrive(self, connectors: int = 1) -> ChargePoint:
        """The station connects, boots, and tells the status of its connectors."""
        cp = self.street.plug_in(self.identity, self.cp)
        assert cp.boot()["status"] == "Accepted"
        for connector in range(connectors + 1):
            assert cp.status("Available", connector=connector) == {}
        return cp

    def ask(self, action: str, **payload: Any) -> dict[str, Any]:
        """Any action with its payload; the operation as it is shown."""
        path = f"/api/stations/{self.identity}/operations"
        answer = self.client.post(path, action=action, payload=payload)
        assert answer.status == 200, answer.content
        done: dict[str, Any] = answer.json
        return done

    def press(self, button: str, **fields: Any) -> dict[str, Any]:
        """An everyday operation in everyday words."""
        answer = self.client.post(f"/api/stations/{self.identity}/{button}", **fields)
        assert answer.status == 200, answer.content
        done: dict[str, Any] = answer.json
        return done

    def heard(self) -> tuple[str, dict[str, Any]]:
        """What the station was asked last."""
        return self.cp.heard[-1]

    def tag(self, id_tag: str, **facts: Any) -> None:
        """Enter a tag."""
        assert self.client.post("/api/tags", id_tag=id_tag, **facts).status == 201

    def station(self) -> dict[str, Any]:
        """All that is shown of the station."""
        shown: dict[str, Any] = self.client.get(f"/api/stations/{self.identity}").json
        return shown

    def status(self, connector: int = 1) -> str:
        """The status of a connector as it is shown."""
        found = {one["connector_id"]: one for one in self.station()["connectors"]}
        status: str = found[connector]["status"]
        return status

    def transaction(self) -> dict[str, Any]:
        """The only transaction as it is shown."""
        (only,) = self.client.get("/api/transactions").json["items"]
        shown: dict[str, Any] = only
        return shown

    def notices(self, kind: str) -> list[dict[str, Any]]:
        """What the station told of this kind, oldest first."""
        path = f"/api/stations/{self.identity}/notices?kind={kind}"
        return [one["document"] for one in reversed(self.client.get(path).json["items"])]
