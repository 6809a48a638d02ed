"""The party at the other end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from transport_rig import (
    EchoRequest,
    EchoResponse,
    OddRequest,
    Outcome,
    RecordingTransport,
    TinyFactory,
    Two,
    echo,
)
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from txocpp.errors import (
    CallRefused,
    CallTimeout,
    CallWithdrawn,
    ConnectionGone,
    InvalidMessage,
    InvalidResponse,
    RemoteError,
    SecurityError,
)
from txocpp.interfaces import IFrameReceiver
from txocpp.rpc.conversation import MOST_OWED
from txocpp.transport.peer import DROPPED_FRAMES_LOGGED, Peer, Reply

CALL = '[2,"theirs","Echo",{"word":"hi"}]'


class Bench:
    """One peer on a recording line."""

    def __init__(self, responder: Any = echo, **settings: Any) -> None:
        self.clock = Clock()
        self.responders: dict[type, Any] = {EchoRequest: responder}
        self.peer = Peer(TinyFactory(), self.responders, clock=self.clock, **settings)
        self.line = RecordingTransport()
        self.peer.connected(self.line)

    def hears(self, frame: str) -> list[Any]:
        """What the peer sends because of this frame."""
        before = len(self.line.sent)
        self.peer.frame_received(frame)
        return [json.loads(text) for text in self.line.sent[before:]]

    def echo(self, word: str = "hi", **options: Any) -> Outcome:
        """Make a call."""
        return Outcome(self.peer.call(EchoRequest(word), **options))

    @property
    def sent_words(self) -> list[str]:
        """The words of the calls that went out."""
        return [f[3]["word"] for f in map(json.loads, self.line.sent) if f[0] == 2]

    def answer(self, word: str = "yo") -> None:
        """Answer the newest call that went out."""
        message_id = [f[1] for f in map(json.loads, self.line.sent) if f[0] == 2][-1]
        self.peer.frame_received(json.dumps([3, message_id, {"word": word}]))


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.peer.disconnected("the test is over")
    assert bench.clock.getDelayedCalls() == []


def test_a_peer_is_a_frame_receiver(bench: Bench) -> None:
    """Any transport can carry it."""
    assert verifyObject(IFrameReceiver, bench.peer)


# --- our calls


def test_a_call_gives_the_response_object() -> None:
    """Request and response are objects; nobody sees ids or JSON."""
    two = Two()
    outcome = Outcome(two.left.call(EchoRequest("hi")))
    two.run()
    assert outcome.result == EchoResponse("hi")


@pytest.mark.rule("J-08")
def test_calls_go_out_one_at_a_time_in_order(bench: Bench) -> None:
    """The next is sent when the one before is answered."""
    outcomes = [bench.echo(word) for word in ("one", "two", "three")]
    assert bench.sent_words == ["one"]
    assert bench.peer.calls_pending == 3
    for n in range(3):
        bench.answer(str(n))
    assert bench.sent_words == ["one", "two", "three"]
    assert [o.result.word for o in outcomes] == ["0", "1", "2"]
    assert bench.peer.calls_pending == 0


def test_an_urgent_call_overtakes_those_that_wait(bench: Bench) -> None:
    """But not the one that is out, nor urgent ones before it."""
    for word, urgent in [("out", False), ("later", False), ("1st", True), ("2nd", True)]:
        bench.echo(word, urgent=urgent)
    for _ in range(4):
        bench.answer()
    assert bench.sent_words == ["out", "1st", "2nd", "later"]


def test_a_call_made_on_an_answer_goes_behind_those_that_wait(bench: Bench) -> None:
    """First come, first served, also for those who are called back."""
    first = bench.peer.call(EchoRequest("first"))
    first.addCallback(lambda _: bench.peer.call(EchoRequest("third")))
    bench.echo("secon")
    for _ in range(3):
        bench.answer()
    assert bench.sent_words == ["first", "secon", "third"]


@pytest.mark.rule("J-10", "J-14")
def test_a_call_without_an_answer_times_out(bench: Bench) -> None:
    """The next one goes out then, with its own full time."""
    first, second = bench.echo("one"), bench.echo("two", timeout_s=5)
    bench.clock.advance(29)
    assert not first.is_known
    bench.clock.advance(1)
    assert isinstance(first.error, CallTimeout)
    assert str(first.error) == "no answer to Echo within 30 s"
    assert bench.sent_words == ["one", "two"]
    bench.clock.advance(4.5)
    assert not second.is_known
    bench.clock.advance(0.5)
    assert isinstance(second.error, CallTimeout)


@pytest.mark.rule("J-10")
def test_answered_calls_leave_later_ones_their_time(bench: Bench) -> None:
    """One timer serves them all: it must not fire early for the second call."""
    bench.echo("one")
    bench.clock.advance(20)
    bench.answer()
    second = bench.echo("two")
    bench.clock.advance(29)
    assert not second.is_known
    bench.answer()
    assert second.result == EchoResponse("yo")


@pytest.mark.rule("J-10")
def test_a_call_with_less_time_than_the_one_before_gets_no_more(bench: Bench) -> None:
    """The timer of an answered call does not delay it."""
    bench.echo("long", timeout_s=100)
    bench.answer()
    short = bench.echo("short", timeout_s=5)
    bench.clock.advance(5)
    assert isinstance(short.error, CallTimeout)


@pytest.mark.rule("J-07")
def test_a_late_answer_does_not_answer_the_next_call(bench: Bench) -> None:
    """It is dropped; the call that is out waits for its own."""
    bench.echo("one", message_id="id-1")
    bench.clock.advance(30)
    second = bench.echo("two")
    bench.hears('[3,"id-1",{"word":"late"}]')
    assert not second.is_known
    bench.answer("good")
    assert second.result == EchoResponse("good")


@pytest.mark.rule("J-06")
def test_a_retransmission_carries_the_id_of_the_first_transmission(bench: Bench) -> None:
    """Everything else gets an id of its own."""
    bench.echo(message_id="again")
    bench.clock.advance(30)
    bench.echo(message_id="again")
    bench.answer()
    bench.echo()
    bench.answer()
    bench.echo()
    ids = [json.loads(text)[1] for text in bench.line.sent]
    assert ids[:2] == ["again", "again"]
    assert len(set(ids)) == 3


@pytest.mark.rule("C-18")
def test_a_lost_line_fails_every_call_at_once(bench: Bench) -> None:
    """The one that is out and those that wait, in their order."""
    lost: list[str] = []
    for word in ("one", "two", "three"):
        d = bench.peer.call(EchoRequest(word), urgent=word == "two")
        d.addErrback(lambda f, w=word: lost.append((w, f.type)))
    bench.peer.disconnected("cable cut")
    assert lost == [(w, ConnectionGone) for w in ("one", "two", "three")]
    assert not bench.peer.is_connected


def test_without_a_line_a_call_fails_at_once() -> None:
    """Nothing is kept for later; the role knows what is worth repeating."""
    peer = Peer(TinyFactory(), {}, clock=Clock())
    assert isinstance(Outcome(peer.call(EchoRequest("hi"))).error, ConnectionGone)
    assert isinstance(Outcome(peer.call_raw("Echo", {})).error, ConnectionGone)


def test_a_call_made_while_the_line_is_being_lost_fails_too(bench: Bench) -> None:
    """Who repeats a call from within its failure gets the next failure, not a hang."""
    retried = bench.peer.call(EchoRequest("one"))
    retried.addErrback(lambda _: bench.peer.call(EchoRequest("two")))
    outcome = Outcome(retried)
    bench.peer.disconnected("cable cut")
    assert isinstance(outcome.error, ConnectionGone)


def test_after_a_reconnect_calls_work_again(bench: Bench) -> None:
    """And an answer from before belongs to nobody."""
    bench.echo(message_id="old")
    bench.peer.disconnected("cable cut")
    bench.peer.connected(bench.line)
    outcome = bench.echo()
    bench.hears('[3,"old",{"word":"old"}]')
    assert not outcome.is_known
    bench.answer()
    assert outcome.result == EchoResponse("yo")


def test_a_waiting_call_is_withdrawn_by_cancelling_it(bench: Bench) -> None:
    """It is never sent."""
    bench.echo("one")
    waiting = bench.peer.call(EchoRequest("two"))
    outcome = Outcome(waiting)
    waiting.cancel()
    assert isinstance(outcome.error, CancelledError)
    bench.answer()
    assert bench.sent_words == ["one"]


@pytest.mark.rule("J-08")
def test_a_call_that_is_out_is_abandoned_by_cancelling_it(bench: Bench) -> None:
    """The caller is free at once; the line is taken until the peer has answered."""
    out = bench.peer.call(EchoRequest("one"))
    outcome = Outcome(out)
    out.cancel()
    assert isinstance(outcome.error, CancelledError)
    second = bench.echo("two")
    assert bench.sent_words == ["one"]
    bench.answer()
    assert bench.sent_words == ["one", "two"]
    bench.answer("good")
    assert second.result == EchoResponse("good")


@pytest.mark.rule("J-08", "J-10")
def test_an_abandoned_call_still_times_out(bench: Bench) -> None:
    """Otherwise a silent peer would keep the line for ever."""
    out = bench.peer.call(EchoRequest("one"))
    out.addErrback(lambda _: None)
    out.cancel()
    bench.echo("two")
    bench.clock.advance(30)
    assert bench.sent_words == ["one", "two"]


def test_an_abandoned_call_may_be_lost_with_the_line(bench: Bench) -> None:
    """Nobody hears of it twice."""
    out = bench.peer.call(EchoRequest("one"))
    outcome = Outcome(out)
    out.cancel()
    bench.peer.disconnected("cable cut")
    assert isinstance(outcome.error, CancelledError)


def test_a_listener_to_a_lost_call_may_cancel_another(bench: Bench) -> None:
    """Each call ends exactly once."""
    first = bench.peer.call(EchoRequest("one"))
    second = bench.peer.call(EchoRequest("two"))
    outcome = Outcome(second)
    first.addErrback(lambda _: second.cancel())
    bench.peer.disconnected("cable cut")
    assert isinstance(outcome.error, CancelledError)


def test_the_queue_is_bounded() -> None:
    """Whoever calls faster than the peer answers is told so."""
    bench = Bench(longest_queue=2)
    outcomes = [bench.echo() for _ in range(4)]
    assert [o.is_known for o in outcomes] == [False, False, False, True]
    assert isinstance(outcomes[3].error, CallWithdrawn)
    bench.peer.disconnected("done")


def test_a_request_that_breaks_the_schema_is_not_sent(bench: Bench) -> None:
    """The caller hears which field it is, and the line stays free."""
    outcome = bench.echo("too long")
    assert isinstance(outcome.error, InvalidMessage)
    raw = Outcome(bench.peer.call_raw("Echo", {"word": object()}))
    assert isinstance(raw.error, InvalidMessage)
    too_long_an_id = Outcome(bench.peer.call_raw("Echo", {}, message_id="x" * 37))
    assert isinstance(too_long_an_id.error, ValueError)
    assert bench.line.sent == []
    assert bench.peer.calls_pending == 0


def test_a_queued_request_that_is_no_json_does_not_stop_the_queue(bench: Bench) -> None:
    """The next one goes out in its place."""
    bench.echo("one")
    bad = Outcome(bench.peer.call_raw("Echo", {"word": object()}))
    bench.echo("two")
    bench.answer()
    assert isinstance(bad.error, InvalidMessage)
    assert bench.sent_words == ["one", "two"]


@pytest.mark.rule("J-14", "J-19")
def test_an_error_of_the_peer_fails_the_call(bench: Bench) -> None:
    """With canonical code, the spelling on the wire, words and details."""
    outcome = bench.echo(message_id="1")
    bench.hears('[4,"1","FormatViolation","bad",{"at":"word"}]')
    error = outcome.error
    assert isinstance(error, RemoteError)
    assert (error.code, error.wire_code) == ("FormationViolation", "FormatViolation")
    assert (error.description, error.details) == ("bad", {"at": "word"})


@pytest.mark.rule("J-21")
def test_an_answer_that_breaks_the_schema_fails_the_call() -> None:
    """Nobody is answered; the security log may hear of it."""
    complaints: list[str] = []
    bench = Bench(on_invalid=complaints.append)
    broken, malformed = bench.echo(message_id="1"), bench.echo(message_id="2")
    assert len(bench.hears('[3,"1",{}]')) == 1  # only the next call
    assert isinstance(broken.error, InvalidResponse)
    assert bench.hears('[3,"2",[]]') == []
    assert isinstance(malformed.error, InvalidResponse)
    assert complaints == [
        "answer to Echo: word: missing",
        "answer to Echo: the payload is not an object",
    ]
    bench.peer.disconnected("done")


def test_a_raw_call_gives_the_payload_as_it_came(bench: Bench) -> None:
    """A relay passes on what it does not understand."""
    outcome = Outcome(bench.peer.call_raw("Vendor", {"x": [1]}, message_id="1"))
    assert bench.line.sent == ['[2,"1","Vendor",{"x":[1]}]']
    bench.hears('[3,"1",{"y":2.5}]')
    assert outcome.result == {"y": 2.5}


def test_who_sees_a_call_go_may_hang_up(bench: Bench) -> None:
    """A message log that finds its disk full, for example; nothing is left on the clock."""
    bench.peer.on_frame = lambda direction, frame: bench.peer.close()
    assert isinstance(bench.echo().error, ConnectionGone)
    assert bench.clock.getDelayedCalls() == []


# --- the peer's calls


def test_a_responder_answers(bench: Bench) -> None:
    """A response at once."""
    assert bench.hears(CALL) == [[3, "theirs", {"word": "hi"}]]


def test_a_responder_may_take_its_time() -> None:
    """A Deferred or a coroutine answers when it is ready; frames are taken meanwhile."""
    ready: Deferred[EchoResponse] = Deferred()

    async def slowly(request: EchoRequest) -> EchoResponse:
        return await ready if request.word == "slow" else EchoResponse("quick")

    bench = Bench(slowly)
    assert bench.hears('[2,"1","Echo",{"word":"slow"}]') == []
    assert bench.hears('[2,"2","Echo",{"word":"hi"}]') == [[3, "2", {"word": "quick"}]]
    ready.callback(EchoResponse("done"))
    assert json.loads(bench.line.sent[-1]) == [3, "1", {"word": "done"}]


@pytest.mark.rule("J-09")
def test_a_responder_may_call_the_peer_that_it_answers() -> None:
    """Neither side waits for the other before it takes the next frame."""
    two = Two()

    async def ask_back(request: EchoRequest) -> EchoResponse:
        return await two.left.call(EchoRequest(f"{request.word}?"))

    two.left.responders = {EchoRequest: ask_back}
    outcome = Outcome(two.right.call(EchoRequest("hi")))
    two.run()
    assert outcome.result == EchoResponse("hi?")


@pytest.mark.rule("J-09")
def test_both_sides_may_call_at_once() -> None:
    """Each answers while it waits for its own answer."""
    two = Two()
    left, right = (
        Outcome(two.left.call(EchoRequest("l"))),
        Outcome(two.right.call(EchoRequest("r"))),
    )
    two.run()
    assert (left.result.word, right.result.word) == ("l", "r")


@pytest.mark.rule("J-04", "J-22")
@pytest.mark.parametrize("action", ["Nope", "echo", "ECHO", "/Echo", "Echo.req", ""])
def test_an_unknown_action_is_not_implemented(bench: Bench, action: str) -> None:
    """Names are compared to the letter."""
    ((kind, _, code, _, details),) = bench.hears(json.dumps([2, "1", action, {"word": "hi"}]))
    assert (kind, code, details) == (4, "NotImplemented", {})


@pytest.mark.rule("J-22")
def test_a_known_action_without_responder_is_not_supported(bench: Bench) -> None:
    """Its payload does not matter then."""
    ((kind, _, code, *_),) = bench.hears('[2,"1","Odd",{}]')
    assert (kind, code) == (4, "NotSupported")


@pytest.mark.rule("J-20")
@pytest.mark.parametrize(
    ("payload", "code"),
    [("{}", "ProtocolError"), ('{"word":"longer"}', "PropertyConstraintViolation")],
)
def test_a_payload_that_breaks_the_schema_is_refused(payload: str, code: str) -> None:
    """The responder never sees it; the peer learns field and code."""
    complaints: list[str] = []
    bench = Bench(on_invalid=complaints.append)
    ((_, _, told, description, _),) = bench.hears(f'[2,"1","Echo",{payload}]')
    assert told == code
    assert description.startswith("word:")
    assert complaints == [f"Echo: {description}"]


@pytest.mark.rule("J-12")
@pytest.mark.parametrize("refusal", CallRefused.__subclasses__())
def test_a_responder_may_refuse(refusal: type[CallRefused]) -> None:
    """Whatever it raises of that family goes out with its code, words and details."""

    def refuse(_: EchoRequest) -> EchoResponse:
        raise refusal("no", {"why": 1})

    later = Bench(lambda _: fail(refusal("no", {"why": 1})))
    for bench in (Bench(refuse), later):
        assert bench.hears(CALL) == [[4, "theirs", refusal.code, "no", {"why": 1}]]


@pytest.mark.parametrize("mishap", ["raises", "fails", "coroutine", "wrong type", "none", "schema"])
def test_a_broken_responder_is_an_internal_error(mishap: str, logged_failures: Any) -> None:
    """The log has it all, the peer not a word of it."""

    def break_down(request: EchoRequest) -> Any:
        raise KeyError("secret")

    async def break_down_later(request: EchoRequest) -> Any:
        raise KeyError("secret")

    responder = {
        "raises": break_down,
        "fails": lambda _: fail(KeyError("secret")),
        "coroutine": break_down_later,
        "wrong type": lambda _: OddRequest(),
        "none": lambda _: None,
        "schema": lambda _: EchoResponse("too long"),
    }[mishap]
    assert Bench(responder).hears(CALL) == [[4, "theirs", "InternalError", "", {}]]
    assert len(logged_failures.flush(KeyError, InvalidMessage)) == 1


def test_a_cancelled_responder_is_an_internal_error_without_noise() -> None:
    """A role that stops cancels what it does; that is no fault to be logged."""
    waiting: Deferred[Any] = Deferred()
    bench = Bench(lambda _: waiting)
    bench.hears(CALL)
    waiting.cancel()
    assert json.loads(bench.line.sent[-1])[2] == "InternalError"


def test_what_follows_a_reply_comes_after_it() -> None:
    """Response first, then the message."""

    def ask(bench: Bench) -> None:
        bench.peer.call_raw("Odd", {})

    bench = Bench(lambda r: Reply(echo(r), lambda: ask(bench)))
    kinds = [frame[0] for frame in bench.hears(CALL)]
    assert kinds == [3, 2]


def test_what_follows_a_reply_may_fail(logged_failures: Any) -> None:
    """The answer has gone out already."""

    async def stumble() -> None:
        raise KeyError

    bench = Bench(lambda r: succeed(Reply(echo(r), stumble)))
    assert len(bench.hears(CALL)) == 1
    assert len(logged_failures.flush(KeyError)) == 1


def test_an_answer_to_a_line_that_has_gone_is_dropped() -> None:
    """Neither it nor what follows it reaches the next connection, not even for the same id."""
    ready: list[Deferred[Any]] = []
    followed: list[str] = []

    def wait(_: EchoRequest) -> Deferred[Any]:
        ready.append(Deferred())
        return ready[-1]

    bench = Bench(wait)
    bench.hears(CALL)
    bench.peer.disconnected("cable cut")
    bench.peer.connected(bench.line)
    bench.hears(CALL)
    ready[0].callback(Reply(EchoResponse("old"), lambda: followed.append("old")))
    assert bench.line.sent == []
    ready[1].callback(Reply(EchoResponse("new"), lambda: followed.append("new")))
    assert bench.line.sent == ['[3,"theirs",{"word":"new"}]']
    assert followed == ["new"]


def test_a_failure_after_the_line_has_gone_is_logged(logged_failures: Any) -> None:
    """It is not lost, although nobody waits for the answer."""
    ready: Deferred[Any] = Deferred()
    bench = Bench(lambda _: ready)
    bench.hears(CALL)
    bench.peer.disconnected("cable cut")
    ready.errback(KeyError())
    assert bench.line.sent == []
    assert len(logged_failures.flush(KeyError)) == 1


@pytest.mark.rule("J-06")
def test_a_retransmission_while_answering_runs_the_responder_once() -> None:
    """One answer goes out."""
    ready: Deferred[Any] = Deferred()
    asked: list[EchoRequest] = []

    def wait(request: EchoRequest) -> Deferred[Any]:
        asked.append(request)
        return ready

    bench = Bench(wait)
    bench.hears(CALL)
    bench.hears(CALL)
    ready.callback(EchoResponse("yo"))
    assert len(asked) == 1
    assert bench.line.sent == ['[3,"theirs",{"word":"yo"}]']


@pytest.mark.rule("J-08")
def test_a_peer_that_never_waits_is_refused() -> None:
    """The responders at work are bounded."""
    bench = Bench(lambda _: Deferred())
    for n in range(MOST_OWED):
        assert bench.hears(f'[2,"{n}","Echo",{{"word":"hi"}}]') == []
    ((_, _, code, _, _),) = bench.hears(CALL)
    assert code == "GenericError"


@pytest.mark.rule("B-07", "B-12")
def test_a_screen_decides_before_anything_else() -> None:
    """It may refuse a call with an error of its own, or leave it without an answer."""

    def screen(action: str) -> bool:
        if action == "Odd":
            raise SecurityError("boot first")
        return action != "Nope"

    bench = Bench(screen=screen)
    assert bench.hears('[2,"1","Nope",{}]') == []
    assert bench.hears('[2,"2","Odd",{}]') == [[4, "2", "SecurityError", "boot first", {}]]
    assert bench.hears(CALL) == [[3, "theirs", {"word": "hi"}]]


# --- a relay


def test_a_relay_passes_on_what_it_has_no_responder_for() -> None:
    """Known or not, the payload goes through as it came; own responders go first."""
    asked: list[tuple[str, Any]] = []

    def relay(action: str, payload: Any) -> Deferred[Any]:
        asked.append((action, payload))
        return succeed({"z": 1})

    bench = Bench(fallback=relay)
    assert bench.hears('[2,"1","Vendor",{"x":2.5}]') == [[3, "1", {"z": 1}]]
    assert bench.hears('[2,"2","Odd",{"word":7}]') == [[3, "2", {"z": 1}]]
    assert bench.hears(CALL) == [[3, "theirs", {"word": "hi"}]]
    assert asked == [("Vendor", {"x": 2.5}), ("Odd", {"word": 7})]


def test_a_relay_passes_errors_on_word_for_word() -> None:
    """Also codes that nobody here knows."""

    def refuse(action: str, payload: Any) -> Any:
        error = RemoteError("GenericError", "hm", {"a": 1}, wire_code="VendorError")
        if action == "Now":
            raise error
        return fail(error)

    bench = Bench(fallback=refuse)
    for action in ("Now", "Later"):
        assert bench.hears(json.dumps([2, "1", action, {}])) == [
            [4, "1", "VendorError", "hm", {"a": 1}]
        ]


@pytest.mark.parametrize("nonsense", [None, [1], {"a": object()}])
def test_a_relay_must_give_a_payload(nonsense: Any, logged_failures: Any) -> None:
    """Anything else is a mistake of ours."""
    bench = Bench(fallback=lambda action, payload: nonsense)
    assert bench.hears('[2,"1","Vendor",{}]') == [[4, "1", "InternalError", "", {}]]
    assert len(logged_failures.flush(InvalidMessage)) == 1


# --- the line


def test_listeners_hear_of_the_line() -> None:
    """Connected, disconnected with the reason; by then every call has failed."""
    events: list[str] = []
    bench = Bench(on_disconnected=events.append)
    bench.peer.on_connected = lambda: events.append("up")
    call = bench.peer.call(EchoRequest("hi"))
    call.addErrback(lambda f: events.append(f.type.__name__))
    bench.peer.disconnected("cable cut")
    bench.peer.disconnected("told twice")
    bench.peer.connected(bench.line)
    assert events == ["ConnectionGone", "cable cut", "up"]


def test_a_new_connection_takes_the_place_of_the_old() -> None:
    """A transport that forgot to say that the line was lost does no harm."""
    events: list[str] = []
    bench = Bench(on_disconnected=events.append)
    outcome = bench.echo()
    newer = RecordingTransport()
    bench.peer.connected(newer)
    assert isinstance(outcome.error, ConnectionGone)
    assert events == ["replaced by a new connection"]
    bench.hears(CALL)
    assert len(newer.sent) == 1


def test_closing_ends_every_call_at_once(bench: Bench) -> None:
    """What still comes is not answered; the listener hears when the line is gone."""
    events: list[str] = []
    bench.peer.on_disconnected = events.append
    outcome = bench.echo()
    assert bench.peer.address == "somebody"
    bench.peer.close(1001, "going home")
    assert bench.line.closed == (1001, "going home")
    assert isinstance(outcome.error, ConnectionGone)
    assert not bench.peer.is_connected
    assert bench.hears(CALL) == []
    assert isinstance(bench.echo().error, ConnectionGone)
    assert events == []
    bench.peer.close()
    bench.peer.disconnected("closed")
    assert events == ["closed"]
    assert bench.peer.address == "nobody"


def test_every_frame_is_shown_to_the_message_log() -> None:
    """With its direction."""
    frames: list[tuple[str, str]] = []
    bench = Bench(on_frame=lambda *frame: frames.append(frame))
    bench.hears(CALL)
    assert frames == [("received", CALL), ("sent", '[3,"theirs",{"word":"hi"}]')]


def test_a_listener_that_fails_harms_nobody(logged_failures: Any) -> None:
    """Its mistake is logged, the call is answered."""

    def stumble(*_: object) -> None:
        raise KeyError

    bench = Bench(on_frame=stumble, on_invalid=stumble)
    assert len(bench.hears(CALL)) == 1
    assert bench.hears("hello") == []
    assert len(logged_failures.flush(KeyError)) == 4


def test_noise_is_logged_a_few_times_only() -> None:
    """A hostile peer shall not fill the disk; what it wrote is not repeated."""
    complaints: list[str] = []
    bench = Bench(on_invalid=complaints.append)
    logged: list[dict[str, Any]] = []
    from twisted.logger import globalLogPublisher

    globalLogPublisher.addObserver(logged.append)
    try:
        for _ in range(50):
            assert bench.hears('[3,"secret",{}]') == []
    finally:
        globalLogPublisher.removeObserver(logged.append)
    assert len(logged) == DROPPED_FRAMES_LOGGED
    assert len(complaints) == 50
    assert "secret" not in str(complaints)
