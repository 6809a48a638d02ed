"""What a bad line can do to a charger, and what it cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from firmware_rig import Host, Refused

Make = Callable[..., Host]


def test_half_a_frame_is_forgotten_with_the_next_line_feed(host: Host) -> None:
    """The rest of a torn frame does no harm to the frame behind it."""
    host.run(20, b'\n>1 [2,9,"limit",{"c":1,')
    assert host.ask("ping") == {"up": 0, "bad": 1}


def test_a_frame_may_come_in_any_pieces(host: Host) -> None:
    """Bytes that come one at a time make the same frame."""
    frame = host.frame([2, host.next_id(), "ping"])
    for byte in frame:
        host.run(20, bytes([byte]))
    assert host.answer(host._id)["bad"] == 0


def test_noise_before_a_frame_in_its_line_is_skipped(host: Host) -> None:
    """Garbage up to the direction sign is not part of the frame."""
    frame = host.frame([2, host.next_id(), "ping"])
    host.run(20, b"\n\xff\x00ets Jan  8 2013" + frame[1:])
    assert host.answer(host._id)["bad"] == 0


@pytest.mark.parametrize(
    "line",
    [
        b"\xff" * 40,
        b'>1 [2,1,"ping"]*00000000',
        b'>x [2,1,"ping"]*00000000',
        b"<1 [3,1,{}]*00000000",
        b">>> ",
        b"*",
        b">",
    ],
)
def test_what_is_no_frame_is_counted_and_not_answered(host: Host, line: bytes) -> None:
    """A damaged line leaves nothing but a count."""
    frames = len(host.frames)
    host.run(40, b"\n" + line + b"\n")
    assert len(host.frames) == frames
    assert host.ask("ping")["bad"] == 1


@pytest.mark.parametrize(
    "message",
    [
        "[2,1]",
        "[3,1,{}]",
        '[2,0,"ping"]',
        '[2,1.5,"ping"]',
        '[2,7,"ping",[]]',
        "{}",
        "[2,7,3]",
        "7",
    ],
)
def test_a_sound_frame_with_an_odd_message_is_dropped(host: Host, message: str) -> None:
    """The tag is right, the content is no request: silence, and a count."""
    from firmware_rig import seal

    body = f">1 {message}".encode()
    frames = len(host.frames)
    host.run(40, b"\n" + body + b"*" + seal(body, None) + b"\n")
    assert len(host.frames) == frames
    host._counter = 1
    assert host.ask("ping")["bad"] == 1


def test_a_line_that_is_too_long_is_dropped_up_to_its_end(host: Host) -> None:
    """Three hundred bytes without a line feed count once, and the next frame is heard."""
    for _ in range(30):
        host.run(20, b"x" * 10)
    host.run(20, b"\n")
    assert host.ask("ping")["bad"] == 1


def test_a_sound_frame_that_is_too_long_is_not_obeyed(host: Host) -> None:
    """The limit holds for those who know the protocol, too."""
    message = [2, host.next_id(), "limit", {"c": 1, "ma": 16000, "x": "x" * 220}]
    frame = host.frame(message)
    assert len(frame) > 258
    host.run(40, frame)
    assert host.ask("status", c=1)["lim"] == 0
    assert host.ask("ping")["bad"] == 1


def test_a_duplicate_frame_is_not_obeyed_twice(host: Host) -> None:
    """A frame whose counter is not larger than the last is dropped."""
    frame = host.frame([2, host.next_id(), "ping"])
    host.run(20, frame + frame)
    assert len([f for f in host.frames if f.startswith("<1 ")]) == 1
    assert host.ask("ping")["bad"] == 1


def test_a_lost_answer_is_said_again_and_nothing_is_done_twice(host: Host) -> None:
    """The same id with a new counter brings the stored answer, even if the world has changed."""
    request_id = host.next_id()
    message = [2, request_id, "limit", {"c": 1, "ma": 10000}]
    host.engine.command({"do": "lose", "frames": 2})
    host.run(40, host.frame(message))
    with pytest.raises(KeyError):
        host.answer(request_id)
    assert host.ask("status", c=1)["lim"] == 10000
    host.run(40, host.frame([2, host.next_id(), "limit", {"c": 1, "ma": 8000}]))
    last = host._id
    host.run(40, host.frame([2, last, "limit", {"c": 1, "ma": 12000}]))
    assert host.answer(last) == {"ma": 0, "why": "host"}
    assert host.ask("status", c=1)["lim"] == 8000


def test_after_a_restart_requests_are_answered_no_session(host: Host) -> None:
    """The charger has forgotten the host and says so; a new greeting tells of one more start."""
    assert host.greeting["boot"] == 1
    host.engine.command({"do": "reboot", "why": "wdt"})
    host.run(120)
    assert host.events[-1][0] == "boot"
    with pytest.raises(Refused, match="NoSession"):
        host.ask("ping")
    greeting = host.hello()
    assert (greeting["boot"], greeting["why"]) == (2, "wdt")


def test_too_many_requests_are_refused_and_the_session_lives_on(host: Host) -> None:
    """Twenty at once are served, the others are told `Rate`, and a second later all is well."""
    host.run(1000)
    ids = [host.next_id() for _ in range(30)]
    host.run(20, b"".join(host.frame([2, request_id, "ping"]) for request_id in ids))
    refused = [frame for frame in host.frames if '"Rate"' in frame]
    assert 8 <= len(refused) <= 11
    host.run(1000)
    assert host.ask("ping")["bad"] == 0


@pytest.mark.parametrize(
    ("verb", "args", "code"),
    [
        ("dance", {}, "BadVerb"),
        ("auth", {"p": "00"}, "BadVerb"),
        ("limit", {"c": 2, "ma": 16000}, "BadConn"),
        ("limit", {"c": "1", "ma": 16000}, "BadConn"),
        ("limit", {"c": 1}, "BadArg"),
        ("limit", {"c": 1, "ma": -1}, "BadArg"),
        ("limit", {"c": 1, "ma": 80001}, "BadArg"),
        ("limit", {"c": 1, "ma": 16000.5}, "BadArg"),
        ("limit", {"c": 1, "ma": True}, "BadArg"),
        ("limit", {"c": 1, "ma": 16000, "ttl": 4}, "BadArg"),
        ("limit", {"c": 1, "ma": 16000, "ph": 2}, "Unsup"),
        ("gate", {"c": 1}, "BadArg"),
        ("gate", {"c": 1, "on": 2}, "BadArg"),
        ("conf", {"k": "key", "v": "00"}, "BadArg"),
        ("conf", {"k": ["fb"], "v": 0}, "BadArg"),
        ("conf", {"k": "fb", "v": 5000}, "BadArg"),
        ("conf", {"k": "imp", "v": 0}, "BadArg"),
        ("conf", {"k": "name", "v": "x" * 33}, "BadArg"),
        ("conf", {"k": "name", "v": "\n"}, "BadArg"),
        ("sub", {"s": 3601}, "BadArg"),
        ("ui", {"c": 1}, "BadArg"),
        ("time", {"t": -5}, "BadArg"),
        ("key", {"k": "00"}, "BadArg"),
        ("ota", {"op": "data"}, "Denied"),
        ("ota", {"op": "begin", "size": 7}, "BadArg"),
    ],
)
def test_a_wrong_request_is_named_and_changes_nothing(
    host: Host, verb: str, args: dict[str, object], code: str
) -> None:
    """Each kind of mistake has its code, and the state is as it was."""
    before = host.ask("status", c=1)
    with pytest.raises(Refused, match=code):
        host.ask(verb, **args)
    assert host.ask("status", c=1) == before


def test_a_host_of_another_version_is_refused(bench: Make) -> None:
    """A greeting without version 1 gets `Version` and no session."""
    host = bench()
    host.run(120)
    with pytest.raises(Refused, match="Version"):
        host.hello(v=[2])
    with pytest.raises(Refused, match="NoSession"):
        host.ask("ping")


def test_a_charger_of_few_currents_names_them_in_its_greeting(bench: Make) -> None:
    """One list for each outlet; a charger that can offer any current has no such member."""
    host = bench(outlets=2, steps=[16000, 32000])
    host.run(120)
    assert host.hello()["steps"] == [[16000, 32000], [16000, 32000]]
    host = bench()
    host.run(120)
    assert "steps" not in host.hello()


def test_the_events_of_a_subscription_come_in_its_rhythm(host: Host) -> None:
    """`sub` makes the charger send a reading every so many seconds until it is taken back."""
    host.ask("sub", s=2)
    host.run(9900)
    assert len([name for name, _ in host.events if name == "meter"]) == 4
    host.ask("sub", s=0)
    host.run(10000)
    assert len([name for name, _ in host.events if name == "meter"]) <= 5


def test_a_setting_is_kept_over_a_restart(host: Host) -> None:
    """What `conf` wrote with an open contactor is there after a power cut."""
    assert host.ask("conf", k="fb", v=8000) == {"v": 8000}
    assert host.ask("conf", k="name", v="left wall") == {"v": "left wall"}
    host.engine.command({"do": "reboot"})
    host.run(120)
    host.hello()
    assert host.ask("conf", k="fb") == {"v": 8000}
    assert host.ask("conf", k="name") == {"v": "left wall"}


def test_tags_and_the_button_are_told(host: Host) -> None:
    """A tag comes with its connector, a press with its length."""
    host.engine.command({"do": "tag", "c": 1, "uid": "04A2"})
    host.run(40)
    for pressed_ms in (200, 2400):
        host.engine.command({"do": "button", "on": 1})
        host.run(pressed_ms)
        host.engine.command({"do": "button", "on": 0})
        host.run(40)
    assert host.events[-3:] == [
        ("tag", {"c": 1, "uid": "04A2"}),
        ("btn", {"c": 1, "long": 0}),
        ("btn", {"c": 1, "long": 1}),
    ]
