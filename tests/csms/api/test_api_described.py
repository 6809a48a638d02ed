"""The description of the API says what is served, and what is served keeps to it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from api_rig import Client
from street import Street
from twisted.internet import reactor
from twisted.internet.utils import getProcessOutputAndValue

from txocpp.csms import api
from txocpp.csms.api.openapi import document
from txocpp.csms.service import CentralSystemService
from txocpp.csms.settings import Listen, Settings
from txocpp.storage.central import CentralStore

SCHEMATHESIS = shutil.which("schemathesis", path=str(Path(sys.executable).parent))


def described() -> dict[str, Any]:
    """The description."""
    return document(api.ROUTES)


def test_the_description_is_served(street: Street) -> None:
    """To anybody, and as what it is."""
    answer = Client(street).get("/api/openapi.json")
    assert answer.json["openapi"] == "3.1.0"
    assert answer.json == json.loads(json.dumps(described()))


def test_every_route_is_described_once() -> None:
    """With a summary, a role, and an id of its own."""
    paths = described()["paths"]
    operations = [one for path in paths.values() for one in path.values()]
    assert len(operations) == sum(len(part.all) for part in api.ROUTES)
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all(one["summary"].endswith((".", ")")) for one in operations)
    assert {one["x-role"] for one in operations} == {"nobody", "viewer", "operator", "admin"}


def test_variable_parts_of_paths_are_parameters() -> None:
    """All of them."""
    for path, methods in described()["paths"].items():
        for operation in methods.values():
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_every_reference_leads_somewhere() -> None:
    """No schema is missing."""
    text = json.dumps(described())
    known = set(described()["components"]["schemas"])
    named = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= known


def test_a_parameter_is_never_null(street: Street) -> None:
    """`search=null` looks for the word null."""
    street.knock("NULL-1")
    street.knock("CP1")
    client = Client(street)
    found = client.get("/api/stations?search=null").json["items"]
    assert [one["identity"] for one in found] == ["NULL-1"]
    assert client.get("/api/transactions?before=null").status == 400


@pytest_twisted.async_yield_fixture
async def description_url(tmp_path: Path) -> AsyncIterator[str]:
    """Where a central system that runs describes its API."""
    store = CentralStore(tmp_path / "central.sqlite3", reactor=reactor)
    listen = Listen(ocpp=(), http="tcp:0:interface=127.0.0.1")
    service = CentralSystemService(reactor, Settings(listen=listen), store)
    service.startService()
    assert service.http is not None
    assert service.http.port is not None
    yield f"http://127.0.0.1:{service.http.port.getHost().port}/api/openapi.json"
    await service.stopService()


@pytest.mark.slow
@pytest.mark.limit(900.0)
@pytest.mark.skipif(
    SCHEMATHESIS is None, reason="schemathesis is not installed (pip install schemathesis)"
)
async def test_schemathesis_finds_nothing(description_url: str, tmp_path: Path) -> None:
    """Thousands of odd requests: no fault of ours, no answer that breaks the description."""
    assert SCHEMATHESIS is not None
    out, err, status = await getProcessOutputAndValue(
        SCHEMATHESIS,
        [
            *("run", description_url, "--max-examples", "5", "--workers", "1"),
            *("--phases", "coverage,fuzzing"),
            # A busy machine is no fault of the API.
            *("--request-timeout", "120"),
            # Accounts would shut the door behind the first one that is made; events never end.
            *("--exclude-path-regex", "accounts|tokens|session|events"),
            # Rules that no schema can tell are allowed to refuse what the schema allows.
            *("--exclude-checks", "positive_data_acceptance"),
            *("--generation-deterministic", "--no-color"),
        ],
        path=str(tmp_path),
        reactor=reactor,
    )
    assert status == 0, (out + err).decode()[-6000:]
