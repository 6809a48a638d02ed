"""Who owes whom an answer."""

from __future__ import annotations

import pytest

from txocpp.errors import GenericError, InvalidMessage
from txocpp.rpc.conversation import (
    MOST_OWED,
    Answered,
    Conversation,
    Dropped,
    Ending,
    Send,
    Unanswered,
)
from txocpp.rpc.frames import Call, CallError, CallResult

HEARTBEAT = Call("ours", "Heartbeat", {})
NOBODY_WAITS = [Dropped("answer to no outstanding call")]


@pytest.fixture
def talk() -> Conversation:
    return Conversation()


@pytest.mark.rule("J-07")
def test_a_call_is_sent_and_its_answer_comes_back_with_it(talk: Conversation) -> None:
    """The answer is matched by the id of the call."""
    assert talk.ask(HEARTBEAT, 30) == [Send('[2,"ours","Heartbeat",{}]')]
    assert talk.receive('[3,"ours",{"a":1}]') == [Answered(HEARTBEAT, CallResult("ours", {"a": 1}))]


@pytest.mark.rule("J-07")
def test_an_error_answers_a_call_too(talk: Conversation) -> None:
    """A CALLERROR frees the line like a result."""
    talk.ask(HEARTBEAT, 30)
    assert talk.receive('[4,"ours","GenericError","",{}]') == [
        Answered(HEARTBEAT, CallError("ours", "GenericError"))
    ]
    assert talk.may_ask


@pytest.mark.rule("J-07")
def test_an_answer_to_nothing_outstanding_disturbs_nothing(talk: Conversation) -> None:
    """Unknown, late and repeated answers are dropped; the call that is out goes on waiting."""
    assert talk.receive('[3,"early",{}]') == NOBODY_WAITS
    talk.ask(HEARTBEAT, 30)
    assert talk.receive('[3,"foreign",{}]') == NOBODY_WAITS
    assert talk.receive('[4,"-1","GenericError","",{}]') == NOBODY_WAITS
    assert not talk.may_ask
    assert len(talk.receive('[3,"ours",{}]')) == 1
    assert talk.receive('[3,"ours",{}]') == NOBODY_WAITS


@pytest.mark.rule("J-08")
def test_a_second_call_waits_for_the_first(talk: Conversation) -> None:
    """While a call is out, asking again is a mistake of the caller."""
    talk.ask(HEARTBEAT, 30)
    assert not talk.may_ask
    with pytest.raises(RuntimeError, match="Heartbeat is still out"):
        talk.ask(Call("second", "Heartbeat", {}), 30)


@pytest.mark.rule("J-08", "J-09")
def test_calls_of_both_sides_cross(talk: Conversation) -> None:
    """A call of the peer is passed on and answered while ours is out."""
    talk.ask(HEARTBEAT, 30)
    theirs = Call("theirs", "Reset", {"type": "Soft"})
    assert talk.receive(theirs.to_text()) == [theirs]
    assert talk.answer("theirs", {"status": "Accepted"}) == [
        Send('[3,"theirs",{"status":"Accepted"}]')
    ]
    assert not talk.may_ask


@pytest.mark.rule("J-07", "J-09")
def test_both_sides_may_use_the_same_id(talk: Conversation) -> None:
    """Ids are unique per sender only."""
    talk.ask(Call("same", "Heartbeat", {}), 30)
    assert talk.receive('[2,"same","Reset",{}]') == [Call("same", "Reset", {})]
    assert talk.receive('[3,"same",{}]') == [
        Answered(Call("same", "Heartbeat", {}), CallResult("same", {}))
    ]
    assert talk.answer("same", {}) == [Send('[3,"same",{}]')]


@pytest.mark.rule("J-10")
def test_a_call_times_out_at_its_deadline(talk: Conversation) -> None:
    """Not before; then the next call may go, and the late answer is dropped."""
    talk.ask(HEARTBEAT, 30)
    assert talk.next_deadline == 30
    assert talk.expire(29.9) == []
    assert talk.expire(30) == [Unanswered(HEARTBEAT, Ending.TIMED_OUT, "no answer in time")]
    assert (talk.next_deadline, talk.may_ask) == (None, True)
    assert talk.expire(31) == []
    talk.ask(Call("next", "Heartbeat", {}), 60)
    assert talk.receive('[3,"ours",{}]') == NOBODY_WAITS
    assert not talk.may_ask


@pytest.mark.rule("J-06")
def test_a_retransmission_may_reuse_its_id(talk: Conversation) -> None:
    """The answer to either transmission settles the call."""
    talk.ask(HEARTBEAT, 30)
    talk.expire(30)
    talk.ask(HEARTBEAT, 60)
    assert talk.receive('[3,"ours",{}]') == [Answered(HEARTBEAT, CallResult("ours", {}))]


@pytest.mark.rule("J-05")
def test_an_own_id_that_is_too_long_is_not_sent(talk: Conversation) -> None:
    """Our ids keep the limit that we ask of others."""
    with pytest.raises(ValueError, match="36 characters"):
        talk.ask(Call("x" * 37, "Heartbeat", {}), 30)
    assert talk.may_ask


@pytest.mark.rule("C-18")
def test_a_lost_line_ends_the_call_that_is_out(talk: Conversation) -> None:
    """And nobody owes an answer any more."""
    talk.ask(HEARTBEAT, 30)
    talk.receive('[2,"theirs","Reset",{}]')
    assert talk.lose() == [Unanswered(HEARTBEAT, Ending.LOST, "the line was lost")]
    assert talk.lose() == []
    assert talk.answer("theirs", {}) == []
    assert (talk.owed, talk.next_deadline) == (0, None)


def test_an_answer_is_given_once(talk: Conversation) -> None:
    """A second answer, or one to a call that never came, is not sent."""
    talk.receive('[2,"theirs","Reset",{}]')
    assert len(talk.refuse("theirs", GenericError("no"))) == 1
    assert talk.answer("theirs", {}) == []
    assert talk.refuse("theirs", GenericError()) == []
    assert talk.answer("never", {}) == []


def test_an_answer_that_is_no_json_is_still_owed(talk: Conversation) -> None:
    """The peer gets an error in its place."""
    talk.receive('[2,"theirs","Reset",{}]')
    with pytest.raises(InvalidMessage):
        talk.answer("theirs", {"a": object()})
    assert talk.refuse("theirs", GenericError()) == [Send('[4,"theirs","GenericError","",{}]')]


@pytest.mark.rule("B-07")
def test_a_call_may_be_left_unanswered(talk: Conversation) -> None:
    """A rejected station keeps silent, and may be asked with the same id again."""
    talk.receive('[2,"theirs","Reset",{}]')
    talk.leave_unanswered("theirs")
    assert talk.answer("theirs", {}) == []
    assert talk.receive('[2,"theirs","Reset",{}]') == [Call("theirs", "Reset", {})]


@pytest.mark.rule("J-06")
def test_a_call_repeated_while_it_is_answered_is_answered_once(talk: Conversation) -> None:
    """One answer serves the retransmission as well; later the id is free again."""
    talk.receive('[2,"theirs","Reset",{}]')
    assert talk.receive('[2,"theirs","Reset",{}]') == [
        Dropped("Reset repeated while being answered")
    ]
    assert len(talk.answer("theirs", {})) == 1
    assert talk.receive('[2,"theirs","Reset",{}]') == [Call("theirs", "Reset", {})]


@pytest.mark.rule("J-08")
def test_a_peer_that_calls_without_waiting_is_bounded(talk: Conversation) -> None:
    """Some calls at once are served; one too many is refused, until an answer has gone out."""
    for n in range(MOST_OWED):
        assert talk.receive(f'[2,"{n}","Reset",{{}}]') == [Call(str(n), "Reset", {})]
    refused, dropped = talk.receive('[2,"more","Reset",{}]')
    assert isinstance(refused, Send)
    assert refused.text.startswith('[4,"more","GenericError"')
    assert dropped == Dropped("too many calls at once")
    talk.answer("0", {})
    assert talk.receive('[2,"more","Reset",{}]') == [Call("more", "Reset", {})]


@pytest.mark.rule("J-17")
def test_a_malformed_call_is_answered_at_once(talk: Conversation) -> None:
    """It is not passed on; the call that is out is not disturbed."""
    talk.ask(HEARTBEAT, 30)
    sent, dropped = talk.receive('[2,"theirs","Reset"]')
    assert sent == Send('[4,"theirs","FormationViolation","a CALL has 4 elements, not 3",{}]')
    assert isinstance(dropped, Dropped)
    assert (talk.owed, talk.may_ask) == (0, False)


@pytest.mark.rule("J-17")
def test_a_malformed_repetition_does_not_answer_the_good_call(talk: Conversation) -> None:
    """The id belongs to the call that is being answered."""
    talk.receive('[2,"theirs","Reset",{}]')
    assert talk.receive('[2,"theirs","Reset"]') == [Dropped("a CALL has 4 elements, not 3")]
    assert len(talk.answer("theirs", {})) == 1


@pytest.mark.rule("J-21")
@pytest.mark.parametrize(
    "text", ['[3,"ours"]', '[3,"ours",[]]', '[4,"ours"]', '[3,"ours",{"a":NaN}]']
)
def test_a_malformed_answer_ends_the_call(talk: Conversation, text: str) -> None:
    """To wait for a better one would be in vain."""
    talk.ask(HEARTBEAT, 30)
    (ended,) = talk.receive(text)
    assert isinstance(ended, Unanswered)
    assert ended.ending is Ending.UNREADABLE
    assert talk.may_ask


@pytest.mark.rule("J-03")
def test_noise_changes_nothing(talk: Conversation) -> None:
    """It is reported for the log and otherwise ignored."""
    talk.ask(HEARTBEAT, 30)
    for noise in ("", "hello", "[9]", '[3,"other"]', "{}"):
        (dropped,) = talk.receive(noise)
        assert isinstance(dropped, Dropped)
    assert not talk.may_ask
