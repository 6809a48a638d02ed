"""RAPI as bytes: commands, answers, events, and what controllers of different ages do to them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.devices.openevse.rapi import (
    Answer,
    Event,
    LineSplitter,
    Range,
    State,
    Status,
    decode,
    encode,
    faults_of,
    register_wh,
    temperature_c,
)
from txocpp.errors import DeviceError
from txocpp.evse import CarState, FaultCode


@pytest.mark.parametrize(
    ("command", "sequence", "line"),
    [
        ("GS", 1, b"$GS :01^2B\r"),
        ("SC 16 V", 2, b"$SC 16 V :02^7D\r"),
        ("SY 30 6", 3, b"$SY 30 6 :03^02\r"),
        ("SY", 4, b"$SY :04^30\r"),
        ("FS", 6, b"$FS :06^2D\r"),
        ("GS", None, b"$GS^30\r"),
    ],
)
def test_commands_byte_for_byte(command: str, sequence: int | None, line: bytes) -> None:
    """As the controller's own documentation writes them."""
    assert encode(command, sequence) == line


def test_what_does_not_fit_the_buffer_is_not_sent() -> None:
    """A controller drops a long command without a word."""
    with pytest.raises(ValueError, match="too long"):
        encode("FP 0 0 a rather long greeting", 1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"$OK 03 1234 03 0540 :01^3E", Answer(True, ("03", "1234", "03", "0540"), 1)),
        (b"$AT 03 03 16 0540^37", Event("AT", ("03", "03", "16", "0540"))),
        (b"$NK^21", Answer(False)),
        (b"$OK^20", Answer(True)),
        (b"$OK*0E", None),
        (b"$OK*BE", Answer(True)),
        (b"relayCloseMs: 12$OK^20", Answer(True)),
        (b"$OK  A  B^20", None),
        (b"$OK", None),
        (b"$OK^21", None),
        (b"relayCloseMs: 12", None),
        (b"\xff\xfe$OK^20", None),
        (b"", None),
        (b"$^24", None),
        (b"$OK :zz^1A", None),
    ],
)
def test_lines_of_a_controller(line: bytes, message: object) -> None:
    """Sums by ^ or *, debug text before the dollar sign; damaged is nothing."""
    assert decode(line) == message


def test_two_spaces_are_one() -> None:
    """`$GI` answers with a double space."""
    body = b"$OK  MEGA328P-0001 :09"
    check = 0
    for byte in body:
        check ^= byte
    answer = decode(body + b"^%02X" % check)
    assert answer == Answer(True, ("MEGA328P-0001",), 9)


@given(st.lists(st.binary(max_size=60)))
def test_no_bytes_hurt_the_splitter(pieces: list[bytes]) -> None:
    """Whatever comes, nothing is raised and little is kept."""
    splitter = LineSplitter()
    for piece in pieces:
        for message in splitter.feed(piece):
            assert isinstance(message, Answer | Event)
    assert len(splitter._buffer) <= 256


@given(st.integers(1, 10))
def test_answers_in_any_pieces(size: int) -> None:
    """A line may come byte by byte, between other lines."""
    stream = b"hello\r\n$OK 03 1234 03 0540 :01^3E\r$AT 03 03 16 0540^37\r"
    splitter = LineSplitter()
    found = []
    for i in range(0, len(stream), size):
        found += splitter.feed(stream[i : i + size])
    assert [type(message) for message in found] == [Answer, Event]


def test_the_state_of_new_and_old_firmware() -> None:
    """Four hexadecimal words with flags, or two decimal ones."""
    new = Status.read(Answer(True, ("FE", "1234", "02", "0100")))
    assert (new.state, new.car, new.plugged, new.energised) == (
        254,
        CarState.CONNECTED,
        True,
        False,
    )
    old = Status.read(Answer(True, ("254", "10")))
    assert (old.state, old.car, old.plugged) == (State.SLEEPING, CarState.ABSENT, None)
    charging = Status.read(Answer(True, ("3", "10")))
    assert (charging.car, charging.energised) == (CarState.READY, True)


def test_disabled_nobody_sees_the_car() -> None:
    """At -12 V the pilot tells nothing, and its flag is not believed."""
    status = Status.read(Answer(True, ("FF", "0", "01", "0000")))
    assert status.car is CarState.UNAVAILABLE


@pytest.mark.parametrize(
    ("state", "code", "blocking"),
    [
        (0x04, FaultCode.EV_COMMUNICATION_ERROR, False),
        (0x05, FaultCode.EV_COMMUNICATION_ERROR, False),
        (0x06, FaultCode.GROUND_FAILURE, True),
        (0x07, FaultCode.GROUND_FAILURE, True),
        (0x08, FaultCode.POWER_SWITCH_FAILURE, True),
        (0x09, FaultCode.GROUND_FAILURE, True),
        (0x0A, FaultCode.HIGH_TEMPERATURE, True),
        (0x0B, FaultCode.OVER_CURRENT_FAILURE, True),
        (0x0E, FaultCode.POWER_SWITCH_FAILURE, True),
        (0x0F, FaultCode.OTHER_ERROR, True),
        (0x11, FaultCode.INTERNAL_ERROR, True),
        (0x77, FaultCode.OTHER_ERROR, True),
    ],
)
def test_faults_in_the_words_of_ocpp(state: int, code: FaultCode, blocking: bool) -> None:
    """Known states by what they are, unknown ones to be on the safe side."""
    (fault,) = faults_of(state)
    assert (fault.code, fault.blocking) == (code, blocking)


def test_a_hard_fault_blocks_whatever_the_state() -> None:
    """The flag says that only a person can help."""
    assert Status.read(Answer(True, ("05", "0", "02", "0102"))).faults[0].blocking
    assert faults_of(State.CHARGING) == ()
    assert faults_of(State.CHARGING, hard=True)[0].blocking


@pytest.mark.parametrize(
    ("limit_a", "set_a"),
    [("0", 0), ("5.9", 0), ("6", 6), ("15.9", 15), ("40", 32), ("262", 32), ("1000000", 32)],
)
def test_a_limit_becomes_whole_amperes_that_can_be_set(limit_a: str, set_a: int) -> None:
    """262 would be 6 in the controller's eight bits: it is never sent."""
    assert Range.read(Answer(True, ("6", "48", "16", "32"))).fit(Decimal(limit_a)) == set_a


def test_the_range_of_old_firmware() -> None:
    """Two words: least and most."""
    assert Range.read(Answer(True, ("6", "30"))) == Range(6, 30, None)


@pytest.mark.parametrize("words", [("6",), ("x", "y"), ()])
def test_a_short_or_strange_answer_is_an_error(words: tuple[str, ...]) -> None:
    """Nothing is guessed."""
    with pytest.raises(DeviceError):
        Range.read(Answer(True, words))


def test_a_session_counts_only_while_its_car_is_there() -> None:
    """Afterwards it is in the total, but still shown."""
    answer = Answer(True, ("7200000", "5000"))
    assert register_wh(answer, True) == 7000
    assert register_wh(answer, False) == 5000


def test_the_warmest_sensor_that_is_fitted() -> None:
    """-2560 is a socket without a sensor."""
    assert temperature_c(Answer(True, ("-2560", "265", "241"))) == Decimal("26.5")
    assert temperature_c(Answer(True, ("-2560", "-2560", "-2560"))) is None
