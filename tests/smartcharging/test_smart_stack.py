"""The installed profiles: replace, clear, bind, forget, remember."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from smart_stations import NOON, profile, running, stack, station

from txocpp.errors import StoreError
from txocpp.smartcharging import (
    Composite,
    Installed,
    Outcome,
    Profile,
    Purpose,
    Stack,
    StationKeys,
    Status,
    Switches,
)

MINUTE = timedelta(minutes=1)


def ids(what: Stack) -> list[int]:
    return [one.profile_id for one in what]


def install(before: Stack, wanted: Profile, connector_id: int = 1, **keys: Any) -> Outcome:
    return before.install(
        wanted, connector_id, received_at=NOON,
        station=station(2, transactions=running()), keys=StationKeys(**keys),
    )  # fmt: skip


def limit(installed: Stack, connector_id: int = 1, **facts: Any) -> int:
    return int(Composite(installed, station(2, **facts)).limit_at(connector_id, NOON).limit)


@pytest.mark.rule("SR-631")
def test_the_same_id_replaces_wherever_it_is() -> None:
    """An id is unique in the station: other connector, level and purpose notwithstanding."""
    before = stack((0, profile(profile_id=5, purpose="ChargePointMaxProfile")))
    outcome = install(before, profile(profile_id=5, level=2))
    assert ids(outcome.stack) == [5]
    assert outcome.removed == before.profiles
    assert limit(outcome.stack, 2) == 32


@pytest.mark.rule("SR-632")
def test_the_same_slot_replaces_on_its_connector_only() -> None:
    """Same purpose and level: gone on this connector, untouched on another and on 0."""
    before = stack(
        (0, profile(profile_id=1)), (1, profile(profile_id=2)), (2, profile(profile_id=3))
    )
    assert ids(install(before, profile(profile_id=9), 1).stack) == [1, 3, 9]
    assert ids(install(before, profile(profile_id=9, level=1), 1).stack) == [1, 2, 3, 9]


@pytest.mark.rule("SR-633")
def test_a_refused_replacement_leaves_the_old_one() -> None:
    """The old profile stays in force if the new one is refused."""
    before = stack(profile((0, 6), profile_id=5))
    outcome = install(before, profile((0, -1), profile_id=5))
    assert (outcome.status, outcome.stack, outcome.removed) == (Status.REJECTED, before, ())
    assert limit(outcome.stack) == 6


EVERYTHING = stack(
    (0, profile(profile_id=1, purpose="ChargePointMaxProfile")),
    (0, profile(profile_id=2)),
    (1, profile(profile_id=3)),
    (1, profile(profile_id=4, level=1)),
    (1, profile(profile_id=5, purpose="TxProfile")),
    (2, profile(profile_id=6, level=1)),
)


@pytest.mark.rule("SR-641", "SR-645")
def test_clear_without_a_field_clears_everything() -> None:
    """All purposes on all connectors go; a second time nothing is there, so Unknown."""
    outcome = EVERYTHING.clear()
    assert (outcome.status, len(outcome.removed), ids(outcome.stack)) == (Status.ACCEPTED, 6, [])
    again = outcome.stack.clear()
    assert (again.status, again.accepted) == (Status.UNKNOWN, False)
    assert again.reason


@pytest.mark.rule("SR-642", "SR-645")
def test_clear_by_id_ignores_the_rest() -> None:
    """With an id only the id counts, even where the other fields would not match."""
    outcome = EVERYTHING.clear(profile_id=3, connector_id=2, purpose=Purpose.TX_PROFILE)
    assert ids(outcome.stack) == [1, 2, 4, 5, 6]
    assert EVERYTHING.clear(profile_id=99).status is Status.UNKNOWN


@pytest.mark.rule("SR-643", "SR-644")
@pytest.mark.parametrize(
    ("wish", "gone"),
    [
        ({"connector_id": 0}, [1, 2]),
        ({"connector_id": 1}, [3, 4, 5]),
        ({"purpose": Purpose.TX_DEFAULT_PROFILE}, [2, 3, 4, 6]),
        ({"stack_level": 1}, [4, 6]),
        ({"connector_id": 1, "stack_level": 0}, [3, 5]),
        ({"connector_id": 1, "purpose": Purpose.TX_DEFAULT_PROFILE, "stack_level": 1}, [4]),
    ],
)
def test_clear_by_everything_that_is_given(wish: dict[str, Any], gone: list[int]) -> None:
    """Connector as installed, purpose and level: all that are given must match."""
    outcome = EVERYTHING.clear(**wish)
    assert [one.profile_id for one in outcome.removed] == gone
    assert set(ids(outcome.stack)) == {1, 2, 3, 4, 5, 6} - set(gone)


@pytest.mark.rule("SR-646", "SR-705")
def test_clearing_in_use_counts_at_once() -> None:
    """The running transaction goes on without the default that was taken away."""
    before = stack(profile((0, 6)))
    assert limit(before, transactions=running()) == 6
    assert limit(before.clear(profile_id=1).stack, transactions=running()) == 32


@pytest.mark.rule("SR-702", "SR-703", "SR-704")
def test_the_profile_of_a_remote_start() -> None:
    """Bound when its transaction begins; then it hides the default and can be replaced or
    stacked upon by the transaction's id."""
    default = stack(profile((0, 6), profile_id=1))
    wanted = profile((0, 16), profile_id=2, purpose="TxProfile", kind="Relative")
    assert default.check_remote_start(wanted, keys=StationKeys()).stack == default
    bound = default.bind(wanted, 1, received_at=NOON)
    assert bound.accepted
    assert limit(bound.stack) == 6
    assert limit(bound.stack, transactions=running(None)) == 16
    assert limit(bound.stack, transactions=running(7)) == 16
    same_level = profile((0, 8), profile_id=3, purpose="TxProfile", transaction_id=7)
    assert ids(install(bound.stack, same_level).stack) == [1, 3]
    higher = profile((0, 8), profile_id=3, purpose="TxProfile", transaction_id=7, level=1)
    assert ids(install(bound.stack, higher).stack) == [1, 2, 3]


@pytest.mark.rule("SR-702")
def test_a_promised_profile_is_bound_even_if_the_store_has_filled_up() -> None:
    """The answer to the remote start was a promise; what came later does not break it."""
    full = stack(profile(profile_id=1))
    assert (
        len(full.bind(profile(profile_id=2, purpose="TxProfile"), 1, received_at=NOON).stack) == 2
    )


@pytest.mark.rule("SR-706")
def test_the_end_of_a_transaction_takes_its_profiles_along() -> None:
    """TxProfiles of the connector are deleted, all others stay."""
    before = stack(
        (1, profile(profile_id=1, purpose="TxProfile")),
        (1, profile(profile_id=2, purpose="TxProfile", level=1)),
        (2, profile(profile_id=3, purpose="TxProfile")),
        (1, profile(profile_id=4)),
    )
    outcome = before.end_transaction(1)
    assert (ids(outcome.stack), outcome.accepted) == ([3, 4], True)
    assert [one.profile_id for one in outcome.removed] == [1, 2]
    assert outcome.stack.end_transaction(1).removed == ()


@pytest.mark.rule("SR-707", "SR-208")
def test_profiles_survive_a_restart() -> None:
    """Written as JSON text and read again, in any order, everything is as it was."""
    maximum = profile(
        (0, 10), (600, 12), profile_id=9, purpose="ChargePointMaxProfile", kind="Relative"
    )
    before = Stack(
        (
            Installed(maximum, 0, NOON),
            Installed(profile((0, 16, 1), purpose="TxProfile"), 1, NOON + MINUTE, 7),
            Installed(profile(profile_id=3, duration_s=60, valid_to=NOON), 2, NOON + 2 * MINUTE),
        )
    )
    text = json.dumps(before.to_documents())
    assert Stack.from_documents(reversed(json.loads(text))) == before
    ten_minutes_later = NOON + 10 * MINUTE
    assert Composite(before, station()).limit_at(0, ten_minutes_later).limit == 12


@pytest.mark.rule("SR-707")
def test_after_a_restart_only_transactions_that_go_on_keep_their_profiles() -> None:
    """TxProfiles of transactions that did not survive are deleted at start-up."""
    before = Stack(
        (
            Installed(profile(purpose="TxProfile", profile_id=1), 1, NOON, 7),
            Installed(profile(purpose="TxProfile", profile_id=2, level=1), 1, NOON, 6),
            Installed(profile(purpose="TxProfile", profile_id=3), 2, NOON, None),
            Installed(profile(profile_id=4), 1, NOON),
        )
    )
    assert ids(before.resume(running(7)).stack) == [1, 4]
    assert ids(before.resume({}).stack) == [4]


@pytest.mark.parametrize(
    "damage",
    [{"connectorId": "one"}, {"receivedAt": "yesterday"}, {"csChargingProfiles": {}}, None],
)
def test_a_damaged_document_is_named(damage: dict[str, Any] | None) -> None:
    """A stored profile that cannot be read says which field is wrong."""
    document = stack(profile()).to_documents()[0]
    broken = document | damage if damage else {}
    with pytest.raises(StoreError, match="stored charging profile"):
        Stack.from_documents([broken])


@pytest.mark.rule("SR-713")
def test_expired_profiles_may_go() -> None:
    """Past validTo, or past start and duration of an Absolute profile; never a TxProfile."""
    hour = timedelta(hours=1)
    before = stack(
        profile(profile_id=1, valid_to=NOON),
        profile(profile_id=2, level=1, duration_s=3600),
        profile(profile_id=3, level=2),
        profile(profile_id=4, level=3, kind="Relative", duration_s=60),
        profile(profile_id=5, level=4, kind="Recurring", recurrency="Daily", duration_s=60),
        profile(profile_id=6, purpose="TxProfile", valid_to=NOON),
    )
    assert ids(before.prune(NOON).stack) == [1, 2, 3, 4, 5, 6]
    assert ids(before.prune(NOON + MINUTE).stack) == [2, 3, 4, 5, 6]
    assert ids(before.prune(NOON + 2 * hour).stack) == [3, 4, 5, 6]


@pytest.mark.rule("SR-713", "SR-304")
def test_an_expired_profile_that_hides_another_one_stays() -> None:
    """Its removal would let the profile of connector 0 show through."""
    own, common = profile(profile_id=1, valid_to=NOON), profile((0, 6), profile_id=2)
    later = NOON + MINUTE
    before = stack((1, own), (0, common))
    assert ids(before.prune(later).stack) == [1, 2]
    assert Composite(before, station(), Switches()).limit_at(1, later).limit == 32


def test_looking_things_up() -> None:
    """A stack can be counted, walked through and asked for an id."""
    assert len(EVERYTHING) == 6
    assert EVERYTHING.get(4) is EVERYTHING.profiles[3]
    assert EVERYTHING.get(99) is None


@pytest.mark.rule("SR-A07")
def test_the_record_of_a_central_system() -> None:
    """After Accepted the same replacements apply to the record, without any check."""
    record = stack((1, profile(profile_id=1)))
    now = Installed(profile((0, 16), profile_id=2), 1, NOON)
    assert ids(record.put(now).stack) == [2]
