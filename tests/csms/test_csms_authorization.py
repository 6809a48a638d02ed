"""Tags: who may charge."""

from __future__ import annotations

from datetime import timedelta

import pytest
from street import NOON, Street

from txocpp.csms.authorization import UnknownTags
from txocpp.csms.settings import Authorization, Settings


def strict(**options: object) -> Street:
    """A central system where only entered tags may charge."""
    chosen = {"unknown_tags": UnknownTags.INVALID, **options}
    return Street(Settings(authorization=Authorization(**chosen)))  # type: ignore[arg-type]


def add_tag(street: Street, id_tag: str, **facts: object) -> None:
    """Enter a tag."""
    street.change(lambda records: records.tags.add(id_tag, **facts))


@pytest.mark.rule("A-05", "A-06")
@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "Accepted"),
        ({"blocked": True}, "Blocked"),
        ({"expires_at": NOON}, "Expired"),
        ({"expires_at": NOON - timedelta(days=1), "blocked": True}, "Blocked"),
    ],
)
def test_authorize_tells_how_a_tag_stands(facts: dict, status: str) -> None:
    """Accepted, Blocked and Expired; always an answer."""
    street = strict()
    add_tag(street, "TAG", **facts)
    answer = street.booted().say("Authorize", idTag="TAG")
    assert answer["idTagInfo"]["status"] == status


@pytest.mark.rule("A-06")
def test_an_unknown_tag_is_invalid() -> None:
    """And may not start: but its start gets an id all the same (A-64)."""
    street = strict()
    cp = street.booted()
    assert cp.say("Authorize", idTag="NOBODY") == {"idTagInfo": {"status": "Invalid"}}
    answer = cp.start(tag="NOBODY")
    assert answer["idTagInfo"]["status"] == "Invalid"
    assert answer["transactionId"] > 0


@pytest.mark.rule("A-04")
def test_tags_are_compared_without_case() -> None:
    """AB12 and ab12 are the same tag."""
    street = strict()
    add_tag(street, "Ab12")
    answer = street.booted().say("Authorize", idTag="aB12")
    assert answer["idTagInfo"]["status"] == "Accepted"


@pytest.mark.rule("A-05")
def test_parent_and_expiry_are_told() -> None:
    """They are optional, and there when they are known."""
    street = strict()
    add_tag(street, "TAG", parent_id_tag="GROUP", expires_at=NOON + timedelta(days=1))
    answer = street.booted().say("Authorize", idTag="TAG")
    assert answer["idTagInfo"] == {
        "status": "Accepted",
        "parentIdTag": "GROUP",
        "expiryDate": "2026-06-02T12:00:00Z",
    }


@pytest.mark.rule("Z-12", "A-06")
def test_a_second_transaction_of_a_tag_can_be_refused() -> None:
    """ConcurrentTx is said at the start only, never when the tag is about to stop."""
    street = strict(max_running=1)
    add_tag(street, "TAG")
    one, two = street.booted("CP1"), street.booted("CP2")
    first = one.start()
    assert first["idTagInfo"]["status"] == "Accepted"
    assert two.start()["idTagInfo"]["status"] == "ConcurrentTx"
    assert two.say("Authorize", idTag="TAG")["idTagInfo"]["status"] == "Accepted"
    assert one.start() == first


@pytest.mark.rule("Z-12")
def test_a_tag_may_have_a_number_of_its_own() -> None:
    """It goes before the general one."""
    street = strict(max_running=1)
    add_tag(street, "FLEET", max_running=2)
    cp = street.booted()
    statuses = [
        cp.start(connector=connector, tag="FLEET")["idTagInfo"]["status"] for connector in (1, 2, 3)
    ]
    assert statuses == ["Accepted", "Accepted", "ConcurrentTx"]


@pytest.mark.rule("Z-12")
def test_a_tag_can_start_again_where_its_last_end_was_lost() -> None:
    """The abandoned transaction does not count."""
    street = strict(max_running=1)
    add_tag(street, "TAG")
    cp = street.booted()
    cp.start()
    assert cp.start(at=7200)["idTagInfo"]["status"] == "Accepted"


def test_everybody_may_charge_until_the_first_tag_is_entered(street: Street) -> None:
    """The default on loopback, for a first look."""
    cp = street.booted()
    assert cp.say("Authorize", idTag="ANY")["idTagInfo"]["status"] == "Accepted"
    add_tag(street, "TAG")
    assert cp.say("Authorize", idTag="ANY")["idTagInfo"]["status"] == "Invalid"


def test_everybody_may_charge_where_the_operator_wants_it() -> None:
    """Unknown tags are accepted, known ones are judged."""
    street = strict(unknown_tags=UnknownTags.ACCEPT)
    add_tag(street, "TAG", blocked=True)
    cp = street.booted()
    assert cp.say("Authorize", idTag="ANY")["idTagInfo"]["status"] == "Accepted"
    assert cp.say("Authorize", idTag="TAG")["idTagInfo"]["status"] == "Blocked"


@pytest.mark.rule("Z-12")
def test_a_start_that_was_refused_takes_up_nothing() -> None:
    """The station still has to end it, but the tag may start elsewhere."""
    street = strict(max_running=1)
    add_tag(street, "TAG")
    one, two, three = (street.booted(identity) for identity in ("CP1", "CP2", "CP3"))
    number = one.start()["transactionId"]
    refused = two.start()
    assert refused["idTagInfo"]["status"] == "ConcurrentTx"
    assert two.start() == refused
    one.stop(number)
    assert three.start(at=7200)["idTagInfo"]["status"] == "Accepted"
    assert two.start() == refused
