"""The local authorization list."""

from __future__ import annotations

from typing import Any

import pytest
from house import House, accepted, refused

from txocpp.messages import v16
from txocpp.storage.memory import Fate, MemoryChargePointStore


def send(house: House, version: int, kind: str = "Full", **tags: Any) -> str:
    """Send an update: tag to information, None forgets; gives the answer."""
    lines = tuple(v16.AuthorizationData(id_tag=tag, id_tag_info=info) for tag, info in tags.items())
    request = v16.SendLocalListRequest(
        list_version=version,
        update_type=v16.UpdateType(kind),
        local_authorization_list=lines or None,
    )
    return house.status(request)


def version(house: House) -> int:
    """What GetLocalListVersion says."""
    return house.ask(v16.GetLocalListVersionRequest()).list_version


def tags(house: House) -> list[str]:
    """The tags in the list."""
    return sorted(house.assembly.local_list._lines)


@pytest.mark.rule("L-01", "L-04", "L-05")
def test_a_list_is_sent_and_changed() -> None:
    """Full replaces everything, Differential adds, replaces and forgets; the version follows, and
    all of it survives a power cut."""
    house = House()
    assert send(house, 1, A=accepted(), B=accepted()) == "Accepted"
    assert send(house, 3, "Differential", B=None, C=accepted(), A=refused()) == "Accepted"
    house.power_cut()
    assert (version(house), tags(house)) == (3, ["a", "c"])
    assert house.assembly.local_list.find("A").status == "Invalid"
    assert send(house, 2, D=accepted()) == "Accepted"
    assert (version(house), tags(house)) == (2, ["d"])


@pytest.mark.rule("L-02", "L-04")
def test_an_empty_list_has_version_zero() -> None:
    """Nothing sent yet, or a Full list without entries: version 0, whatever number came along."""
    house = House()
    assert version(house) == 0
    send(house, 5, A=accepted())
    assert send(house, 9) == "Accepted"
    assert (version(house), tags(house)) == (0, [])


@pytest.mark.rule("L-06")
def test_an_old_difference_is_a_mismatch() -> None:
    """Differential needs a higher version; gaps are fine; nothing changes otherwise."""
    house = House()
    send(house, 2, A=accepted())
    assert send(house, 5, "Differential", B=accepted()) == "Accepted"
    for old in (4, 5):
        assert send(house, old, "Differential", C=accepted()) == "VersionMismatch"
    assert (version(house), tags(house)) == (5, ["a", "b"])


@pytest.mark.rule("L-07")
def test_a_full_list_may_go_back() -> None:
    """Full is taken with any version."""
    house = House()
    send(house, 7, A=accepted())
    assert send(house, 3, B=accepted()) == "Accepted"
    assert version(house) == 3


@pytest.mark.rule("L-08", "L-09", "L-11")
def test_a_wrong_list_changes_nothing() -> None:
    """A line without information in a Full list, or a tag twice: Failed, and the old list stays."""
    house = House()
    send(house, 1, A=accepted())
    assert send(house, 2, B=accepted(), C=None) == "Failed"
    assert send(house, 2, TAG=accepted(), tag=accepted()) == "Failed"
    assert (version(house), tags(house)) == (1, ["a"])


@pytest.mark.rule("L-03")
def test_versions_begin_with_one() -> None:
    """Version 0 or -1 is no version."""
    house = House()
    payload = {"listVersion": 0, "updateType": "Full"}
    failures: list[Any] = []
    asked = house.central.peer.call_raw("SendLocalList", payload)
    asked.addErrback(failures.append)
    house.run(0)
    assert failures[0].value.code == "PropertyConstraintViolation"


@pytest.mark.rule("L-10")
def test_a_list_has_a_size() -> None:
    """More lines than SendLocalListMaxLength, or a list beyond LocalAuthListMaxLength: Failed."""
    house = House(configuration={"SendLocalListMaxLength": 2, "LocalAuthListMaxLength": 3})
    assert send(house, 1, A=accepted(), B=accepted(), C=accepted()) == "Failed"
    assert send(house, 1, A=accepted(), B=accepted()) == "Accepted"
    assert send(house, 2, "Differential", C=accepted(), D=accepted()) == "Failed"
    assert send(house, 2, "Differential", C=accepted(), A=None) == "Accepted"


@pytest.mark.rule("L-12")
def test_forgetting_an_unknown_tag_is_no_error() -> None:
    """What is not there is gone already."""
    house = House()
    send(house, 1, A=accepted())
    assert send(house, 2, "Differential", Z=None) == "Accepted"


@pytest.mark.rule("L-02", "L-14", "J-22")
def test_a_list_that_is_not_in_use() -> None:
    """Switched off, or without the feature profile: version -1 and NotSupported."""
    without = House(configuration={"SupportedFeatureProfiles": "Core"})
    switched_off = House(configuration={"LocalAuthListEnabled": False})
    for house in (without, switched_off):
        assert version(house) == -1
        assert send(house, 1, A=accepted()) == "NotSupported"


@pytest.mark.rule("L-13", "A-22")
def test_the_cache_forgets_what_the_list_knows() -> None:
    """After an update the list's tags are not in the cache."""
    house = House()
    house.charge(id_tag="A")
    assert house.assembly.cache.find("A") is not None
    send(house, 1, A=accepted())
    assert house.assembly.cache.find("A") is None
    house.power_cut()
    assert house.assembly.cache.find("A") is None


@pytest.mark.rule("L-09")
def test_a_list_that_cannot_be_saved_has_failed() -> None:
    """A full disk changes nothing of the list."""
    full = [False]
    store = MemoryChargePointStore(fate=lambda number: Fate.REFUSED if full[0] else Fate.KEPT)
    house = House(store=store)
    full[0] = True
    assert send(house, 1, A=accepted()) == "Failed"
    assert version(house) == 0
