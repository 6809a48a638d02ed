"""Who may charge: list, cache and central system, online and offline."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from house import NOON, House, accepted, refused

from txocpp.chargepoint.v16 import values
from txocpp.errors import InternalError
from txocpp.messages import v16

ACCEPTED = v16.AuthorizationStatus.ACCEPTED


def with_list(house: House, **tags: v16.IdTagInfo) -> House:
    """Send the house a local list."""
    lines = tuple(v16.AuthorizationData(id_tag=tag, id_tag_info=info) for tag, info in tags.items())
    assert (
        house.status(
            v16.SendLocalListRequest(
                list_version=1, update_type=v16.UpdateType.FULL, local_authorization_list=lines
            )
        )
        == "Accepted"
    )
    house.heard()
    return house


def known(house: House, **tags: v16.IdTagInfo) -> House:
    """Let the cache learn what the central system says about tags."""
    house.central.tags.update(tags)
    for tag in tags:
        house.assembly.cache.remember(tag, values.tag_info(house.central.tags[tag]))
    return house


def starts(house: House, tag: str = "TAG1") -> list[str]:
    """Plug in, show the tag, and tell what the central system hears of it."""
    house.plug()
    house.swipe(tag)
    house.run(3)
    return house.heard("Authorize", "Start")


def starts_offline(house: House, tag: str = "TAG1") -> bool:
    """Whether a transaction begins without the central system."""
    house.disconnect()
    house.plug()
    house.swipe(tag)
    house.run(3)
    return house.bay().transaction is not None


@pytest.mark.rule("A-01", "A-02", "A-03", "TX-01")
def test_an_unknown_tag_is_asked_about() -> None:
    """A tag in neither structure is asked about, and charges only when it is accepted."""
    house = House()
    assert starts(house) == ["Authorize TAG1", "Start 1 TAG1"]


@pytest.mark.rule("A-06", "A-07")
@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid", "ConcurrentTx"])
def test_a_refused_tag_starts_nothing(status: str) -> None:
    """Whatever the reason, without Accepted there is no transaction and no energy."""
    house = House()
    house.central.tags["TAG1"] = refused(status)
    assert starts(house) == ["Authorize TAG1"]
    assert house.evse().state.offered_a == 0


@pytest.mark.rule("A-40", "A-04")
def test_a_cached_tag_starts_without_asking() -> None:
    """With LocalPreAuthorize an accepted tag of the cache, in any spelling, need not be asked."""
    house = known(House(configuration={"LocalPreAuthorize": True}), tag1=accepted())
    assert starts(house, "TAG1") == ["Start 1 TAG1"]


@pytest.mark.rule("A-40", "A-30", "L-14")
def test_a_listed_tag_starts_without_asking() -> None:
    """With LocalPreAuthorize an accepted tag of the local list need not be asked."""
    house = with_list(House(configuration={"LocalPreAuthorize": True}), TAG1=accepted())
    assert starts(house) == ["Start 1 TAG1"]


@pytest.mark.rule("A-41")
def test_without_pre_authorization_it_always_asks() -> None:
    """LocalPreAuthorize false asks the central system whatever is known."""
    house = with_list(known(House(), TAG1=accepted()), TAG1=accepted())
    assert starts(house) == ["Authorize TAG1", "Start 1 TAG1"]


@pytest.mark.rule("A-42", "A-26")
@pytest.mark.parametrize("where", ["list", "cache"])
def test_a_tag_known_to_be_bad_is_asked_about(where: str) -> None:
    """Online the central system may have changed its mind about a blocked tag."""
    house = House(configuration={"LocalPreAuthorize": True})
    if where == "list":
        with_list(house, TAG1=refused("Blocked"))
    else:
        known(house, TAG1=refused("Blocked"))
    house.central.tags["TAG1"] = accepted()
    assert starts(house)[0] == "Authorize TAG1"


@pytest.mark.rule("A-23", "A-40")
def test_an_expired_tag_is_not_good_any_more() -> None:
    """When the expiry date has passed, a cached tag does not start by itself."""
    house = House(configuration={"LocalPreAuthorize": True})
    known(house, TAG1=accepted(expiry_date=NOON + timedelta(seconds=60)))
    house.run(61)
    assert starts(house)[0] == "Authorize TAG1"


@pytest.mark.rule("A-21", "A-05")
def test_the_cache_learns_from_every_answer() -> None:
    """What Authorize, StartTransaction and StopTransaction say is known afterwards, over a power
    cut too."""
    house = House()
    house.central.tags["TAG1"] = accepted(parent_id_tag="GROUP")
    house.charge()
    house.swipe()
    house.central.tags["TAG2"] = refused("Blocked")
    house.unplug()
    starts(house, "TAG2")
    for _ in range(2):
        cache = house.assembly.cache
        assert cache.find("tag1").parent_id_tag == "GROUP"
        assert cache.find("TAG2").status == "Blocked"
        house.power_cut()


@pytest.mark.rule("A-25")
def test_the_cache_survives_a_power_cut() -> None:
    """A tag learnt before the power went charges offline after it."""
    house = House()
    house.charge()
    house.swipe()
    house.unplug()
    house.power_cut()
    assert starts_offline(house)


@pytest.mark.rule("A-22", "L-13")
def test_listed_tags_are_not_cached() -> None:
    """What comes into the list leaves the cache, and does not get in again."""
    house = with_list(known(House(), TAG1=accepted()), TAG1=accepted())
    starts(house)
    assert len(house.assembly.cache) == 0


@pytest.mark.rule("A-24")
def test_a_full_cache_forgets_the_least_useful() -> None:
    """Tags that are not valid go first, then the one heard of longest ago."""
    house = House(behaviour={"cache_limit": 3})
    known(house, OLD=accepted(), BAD=refused("Blocked"), NEW=accepted())
    known(house, A=accepted())
    assert house.assembly.cache.find("BAD") is None
    known(house, B=accepted())
    assert house.assembly.cache.find("OLD") is None
    assert house.assembly.cache.find("NEW") is not None


@pytest.mark.rule("A-27")
def test_a_cleared_cache_knows_nobody() -> None:
    """After ClearCache the next tag is asked about again."""
    house = known(House(configuration={"LocalPreAuthorize": True}), TAG1=accepted())
    assert house.status(v16.ClearCacheRequest()) == "Accepted"
    assert starts(house)[0] == "Authorize TAG1"
    house.power_cut()
    assert house.assembly.cache.find("OTHER") is None


@pytest.mark.rule("A-20", "A-27")
def test_without_a_cache_there_is_nothing_to_clear() -> None:
    """A station without the key AuthorizationCacheEnabled has no cache: Rejected."""
    house = House(settings={"left_out_keys": ("AuthorizationCacheEnabled",)})
    assert house.status(v16.ClearCacheRequest()) == "Rejected"


@pytest.mark.rule("A-28")
def test_a_cache_that_is_off_is_kept_but_not_used() -> None:
    """AuthorizationCacheEnabled false: neither read nor written; on again, it is as it was."""
    house = known(House(configuration={"LocalPreAuthorize": True}), TAG1=accepted())
    house.set_key("AuthorizationCacheEnabled", "false")
    assert starts(house)[0] == "Authorize TAG1"
    house.swipe("TAG1")
    house.run(10)
    house.unplug()
    house.set_key("AuthorizationCacheEnabled", "true")
    house.heard()
    assert starts(house) == ["Start 1 TAG1"]


@pytest.mark.rule("A-31")
def test_a_list_that_is_off_is_not_used() -> None:
    """LocalAuthListEnabled false: the list counts for nothing."""
    house = with_list(House(configuration={"LocalPreAuthorize": True}), TAG1=accepted())
    house.set_key("LocalAuthListEnabled", "false")
    assert starts(house)[0] == "Authorize TAG1"


@pytest.mark.rule("A-30", "A-51")
def test_the_list_comes_before_the_cache() -> None:
    """A tag that the list blocks stays out offline, whatever the cache or the rule for unknown
    tags says."""
    house = House(configuration={"AllowOfflineTxForUnknownId": True})
    with_list(house, TAG1=refused("Blocked"))
    assert not starts_offline(house)


@pytest.mark.rule("A-32")
def test_a_conflict_with_the_list_is_told() -> None:
    """If central system and list differ, a StatusNotification on connector 0 says so, once."""
    house = with_list(House(), TAG1=accepted())
    house.central.tags["TAG1"] = refused("Blocked")
    house.plug()
    house.swipe()
    assert "Status 0 Available LocalListConflict" in house.heard()
    assert house.assembly.local_list.find("TAG1").status == ACCEPTED.value


@pytest.mark.rule("A-50", "A-55")
@pytest.mark.parametrize("allowed", [True, False])
def test_offline_known_tags_may_start(allowed: bool) -> None:
    """LocalAuthorizeOffline decides whether an accepted tag charges without the central system; its
    start is told later."""
    house = known(House(configuration={"LocalAuthorizeOffline": allowed}), TAG1=accepted())
    assert starts_offline(house) is allowed
    house.connect()
    house.run(1)
    assert ("Start 1 TAG1" in house.heard()) is allowed


@pytest.mark.rule("A-52")
def test_offline_a_bad_cached_tag_stays_out() -> None:
    """A cached tag that is not valid is refused even where unknown tags are let in."""
    house = House(configuration={"AllowOfflineTxForUnknownId": True})
    assert not starts_offline(known(house, TAG1=refused("Expired")))


@pytest.mark.rule("A-53", "A-54")
@pytest.mark.parametrize("allowed", [True, False])
def test_offline_unknown_tags_follow_their_own_rule(allowed: bool) -> None:
    """AllowOfflineTxForUnknownId alone decides about unknown tags."""
    house = House(
        configuration={"AllowOfflineTxForUnknownId": allowed, "LocalAuthorizeOffline": False}
    )
    assert starts_offline(house) is allowed


def test_a_central_system_that_fails_counts_as_away(logged_failures: Any) -> None:
    """If Authorize comes to nothing, what is known locally decides."""
    house = known(House(configuration={"MessageTimeout": 5}), TAG1=accepted())

    def fail(request: Any) -> None:
        if isinstance(request, v16.AuthorizeRequest):
            raise InternalError

    house.central.answer = fail
    assert starts(house) == ["Authorize TAG1", "Start 1 TAG1"]


@pytest.mark.rule("A-10", "TX-13")
def test_the_same_tag_stops_without_asking() -> None:
    """The tag that started the transaction ends it, in any spelling, and is named."""
    house = House()
    house.charge(id_tag="TAG1")
    house.swipe("tag1")
    house.run(10)
    assert house.heard("Authorize", "Stop") == ["Stop 1 Local by tag1"]


@pytest.mark.rule("A-12")
def test_a_foreign_tag_does_nothing() -> None:
    """Without a known group nobody else's tag matters, and nobody is asked about it."""
    house = House()
    house.charge()
    house.swipe("OTHER")
    house.run(10)
    assert house.heard() == []


@pytest.mark.rule("A-11", "A-13")
def test_a_tag_of_the_same_group_stops() -> None:
    """Another tag is asked about, and ends the transaction if its group is the same."""
    house = House()
    house.central.tags = {
        "TAG1": accepted(parent_id_tag="G"),
        "TAG2": accepted(parent_id_tag="g"),
        "TAG3": accepted(parent_id_tag="H"),
        "G": accepted(),
    }
    house.charge()
    house.swipe("TAG3")
    house.swipe("G")
    house.run(10)
    assert house.heard("Authorize", "Stop") == ["Authorize TAG3", "Authorize G"]
    house.swipe("TAG2")
    house.run(10)
    assert house.heard("Authorize", "Stop") == ["Authorize TAG2", "Stop 1 Local by TAG2"]


@pytest.mark.rule("A-11")
def test_the_group_may_be_learnt_from_the_start() -> None:
    """The parent that StartTransaction.conf names counts as well."""
    house = House()
    house.central.answer = lambda r: (
        v16.StartTransactionResponse(transaction_id=7, id_tag_info=accepted(parent_id_tag="G"))
        if isinstance(r, v16.StartTransactionRequest)
        else None
    )
    house.charge()
    house.central.tags["TAG2"] = accepted(parent_id_tag="G")
    house.swipe("TAG2")
    house.run(10)
    assert house.heard("Stop") == ["Stop 7 Local by TAG2"]


@pytest.mark.rule("A-14")
def test_a_blocked_member_of_the_group_does_not_stop() -> None:
    """A tag of the right group that is not accepted ends nothing."""
    house = House()
    house.central.tags = {
        "TAG1": accepted(parent_id_tag="G"),
        "TAG2": refused("Blocked", parent_id_tag="G"),
    }
    house.charge()
    house.swipe("TAG2")
    house.run(10)
    assert house.heard("Stop") == []


def test_offline_only_what_is_known_makes_a_group() -> None:
    """Without the central system a group member stops only if list or cache know its group."""
    house = House()
    house.central.tags = {"TAG1": accepted(parent_id_tag="G")}
    known(house, TAG2=accepted(parent_id_tag="G"))
    house.charge()
    house.disconnect()
    house.swipe("TAG3")
    house.run(10)
    assert house.bay().transaction is not None
    house.swipe("TAG2")
    house.run(10)
    assert house.bay().transaction is None


@pytest.mark.rule("A-60", "A-63")
@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid", "ConcurrentTx"])
def test_a_tag_refused_at_the_start_ends_the_transaction(status: str) -> None:
    """StopTransactionOnInvalidId true: reason DeAuthorized, and Finishing."""
    house = House(configuration={"AllowOfflineTxForUnknownId": True})
    house.disconnect()
    house.plug()
    house.swipe()
    house.run(10)
    house.central.tags["TAG1"] = refused(status)
    house.connect()
    house.run(10)
    assert house.heard()[3:] == [
        "Status 1 Charging",
        "Start 1 TAG1",
        "Stop 1 DeAuthorized",
        "Status 1 Finishing",
    ]


@pytest.mark.rule("A-60")
def test_the_cable_of_a_refused_tag_stays_locked() -> None:
    """Only the tag itself, or one of its group, gets the cable back."""
    house = House(car={"lock": True}, configuration={"AllowOfflineTxForUnknownId": True})
    house.disconnect()
    house.plug()
    house.swipe()
    house.run(10)
    house.central.tags["TAG1"] = refused()
    house.connect()
    house.run(10)
    assert house.evse().state.locked
    house.swipe("OTHER", 1)
    assert house.evse().state.locked
    house.swipe("TAG1", 1)
    house.run(1)
    assert not house.evse().state.locked


@pytest.mark.rule("A-60", "A-11")
def test_the_group_gets_a_locked_cable_back() -> None:
    """A tag of the same group unlocks what was kept for a refused one."""
    house = House(car={"lock": True})
    house.central.tags["FRIEND"] = accepted(parent_id_tag="G")
    house.central.answer = lambda r: (
        v16.StartTransactionResponse(transaction_id=7, id_tag_info=refused(parent_id_tag="G"))
        if isinstance(r, v16.StartTransactionRequest)
        else None
    )
    house.charge()
    assert (house.bay().transaction, house.evse().state.locked) == (None, True)
    house.swipe("FRIEND", 1)
    house.run(1)
    assert not house.evse().state.locked


@pytest.mark.rule("A-61")
def test_a_refused_tag_may_keep_its_transaction_without_energy() -> None:
    """StopTransactionOnInvalidId false: SuspendedEVSE, and the transaction goes on."""
    house = House(
        configuration={
            "AllowOfflineTxForUnknownId": True,
            "StopTransactionOnInvalidId": False,
        }
    )
    house.disconnect()
    house.plug()
    house.swipe()
    house.run(10)
    house.central.tags["TAG1"] = refused()
    house.connect()
    house.run(30)
    assert house.heard()[-1] == "Status 1 SuspendedEVSE"
    assert not house.evse().state.energised
    house.swipe()
    house.run(10)
    assert house.heard("Stop") == ["Stop 1 Local by TAG1"]


@pytest.mark.rule("A-62")
def test_a_refused_tag_may_get_some_energy_more() -> None:
    """MaxEnergyOnInvalidId is delivered, and then no more."""
    house = House(
        configuration={
            "AllowOfflineTxForUnknownId": True,
            "StopTransactionOnInvalidId": False,
            "MaxEnergyOnInvalidId": 1000,
            "MeterValueSampleInterval": 10,
        }
    )
    house.central.answer = lambda r: (
        v16.StartTransactionResponse(transaction_id=7, id_tag_info=refused())
        if isinstance(r, v16.StartTransactionRequest)
        else None
    )
    house.plug()
    house.swipe()
    house.run(60)
    assert house.evse().state.energised
    house.run(3600)
    assert not house.evse().state.energised
    assert 1000 <= house.evse().outlet.energy_wh < 1050


def test_a_refusal_survives_a_power_cut() -> None:
    """A transaction without energy has none after a restart either, where it is resumed."""
    house = House(
        configuration={"StopTransactionOnInvalidId": False},
        behaviour={"resume_transactions": True},
    )
    house.central.answer = lambda r: (
        v16.StartTransactionResponse(transaction_id=7, id_tag_info=refused())
        if isinstance(r, v16.StartTransactionRequest)
        else None
    )
    house.charge()
    house.power_cut()
    house.run(30)
    assert house.bay().transaction is not None
    assert not house.evse().state.energised
