"""Profiles out of JSON files, and what is said about files that hold none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from smart_stations import NOON, profile, stack

from txocpp.errors import ConfigurationError
from txocpp.smartcharging import Installed, write_profile
from txocpp.smartcharging.files import read_file, read_text

DEFAULT = write_profile(profile())
MAXIMUM = write_profile(profile(profile_id=2, purpose="ChargePointMaxProfile"))
FOR_TRANSACTION = write_profile(profile(profile_id=3, purpose="TxProfile", transaction_id=0))


def installed(content: Any, connector_id: int = 1) -> list[Installed]:
    return installed_from(json.dumps(content), connector_id)


def installed_from(text: str, connector_id: int = 1) -> list[Installed]:
    found = read_text(text, "name")
    return [one.installed(connector_id=connector_id, received_at=NOON) for one in found]


@pytest.mark.parametrize(
    "content",
    [
        DEFAULT,
        {"connectorId": 0, "csChargingProfiles": DEFAULT},
        {"connectorId": 0, "idTag": "TAG", "chargingProfile": DEFAULT},
        [2, "id", "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": DEFAULT}],
        [[DEFAULT]],
        stack((0, profile())).to_documents(),
    ],
)
def test_profiles_in_any_wrapping(content: Any) -> None:
    """Bare, as a request, as a frame, in lists, out of a store: the same profile."""
    assert installed(content) == [Installed(profile(), 0, NOON)]


def test_where_a_bare_profile_goes() -> None:
    """To connector 0, or where its transaction is asked about."""
    assert [one.connector_id for one in installed([DEFAULT, MAXIMUM, FOR_TRANSACTION], 2)] == [
        0, 0, 2
    ]  # fmt: skip
    assert installed(FOR_TRANSACTION, 0)[0].connector_id == 1
    assert installed(FOR_TRANSACTION)[0].transaction_id == 0


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "name: line 1, column 2: "),
        ("7", "name: the file is no charging profile"),
        ("[[]]", "name: holds no charging profile"),
        ("[" * 100_000, "name: "),
        ([DEFAULT, {"stackLevel": 0}], "name: [1].chargingSchedule: is missing"),
        ({"csChargingProfiles": DEFAULT | {"stackLevel": "x"}},
         "name: csChargingProfiles.stackLevel: must be an integer"),
        ([{"connectorId": -1, "csChargingProfiles": DEFAULT}], "name: [0].connectorId: must be"),
        ({"connectorId": "1", "csChargingProfiles": DEFAULT}, "name: connectorId: must be"),
        (write_profile(profile((5, 10))), "name: chargingProfile: the first startPeriod is 5"),
        ({"connectorId": 0, "csChargingProfiles": FOR_TRANSACTION}, "(SR-605)"),
        ({"connectorId": 1, "csChargingProfiles": MAXIMUM}, "(SR-604)"),
    ],
)  # fmt: skip
def test_faults_name_file_and_place(content: Any, text: str) -> None:
    """Whatever is wrong, the text says where."""
    raw = content if isinstance(content, str) else json.dumps(content)
    with pytest.raises(ConfigurationError) as fault:
        installed_from(raw)
    assert text in str(fault.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, or no text at all."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.json: No such file"):
        read_file(tmp_path / "nowhere.json")
    strange = tmp_path / "strange.json"
    strange.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"strange\.json: is not UTF-8"):
        read_file(strange)
    (tmp_path / "good.json").write_text("\ufeff" + json.dumps(DEFAULT), encoding="utf-8")
    assert read_file(tmp_path / "good.json")[0].profile == profile()
