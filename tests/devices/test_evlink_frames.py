"""evlink/1 frames: the published vectors byte for byte, and whatever a line may bring."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.devices.esp8266.frames import (
    Direction,
    LineSplitter,
    decode,
    encode,
    parse,
    session_keys,
    update_proof,
)

KEY = bytes(range(32))
HOST_NONCE, DEVICE_NONCE = bytes(range(16)), bytes(range(16, 32))
KEYS = session_keys(KEY, HOST_NONCE, DEVICE_NONCE)

GREETING = (
    '"id":"esp8266-00a1b2c3","fw":"0.3.0","hw":"s0pilot","boot":17,"why":"power","nc":1,'
    '"cap":"pwm,relay,ph,meter,fail","max":[32000],"ph":[3],"rx":256,"up":1234,"v":1'
)
STATE = (
    '"c":1,"cp":"%s","on":%d,"ma":%d,"lim":16000,"why":"host","gate":%d,"av":1,"ph":3,"f":[],'
    '"wh":0,"w":%d'
)

PLAIN = [
    '<0 [5,"boot",1234,{"id":"esp8266-00a1b2c3","fw":"0.3.0","boot":17,"why":"power"}]*d356338d',
    '>0 [2,1,"hello",{"v":[1],"h":"txocpp/0.1"}]*0faf4483',
    "<0 [3,1,{" + GREETING + ',"auth":0}]*4e9c8f8e',
    '>1 [2,3,"ping"]*9223d7d8',
    '<1 [3,3,{"up":0,"bad":0}]*7d6faf30',
    '>2 [2,4,"limit",{"c":1,"ma":16000,"ttl":30}]*1eff37cb',
    '<2 [5,"state",1234,{' + STATE % ("A", 0, 0, 0, 0) + "}]*fa8aa6d1",
    '<3 [3,4,{"ma":0,"why":"host"}]*e016a3d0',
    '>3 [2,5,"gate",{"c":1,"on":1}]*2ff9dbe4',
    '<4 [5,"state",1234,{' + STATE % ("A", 0, 0, 1, 0) + "}]*c743335a",
    '<5 [3,5,{"on":0,"ma":0}]*a37cf55b',
    '>4 [2,6,"limit",{"c":2,"ma":16000}]*4d85d4c9',
    '<6 [4,6,"BadConn",""]*a319c7f0',
    '<7 [5,"state",5234,{' + STATE % ("B", 0, 16000, 1, 0) + "}]*5054a6a2",
    '<8 [5,"state",5734,{' + STATE % ("C", 1, 16000, 1, 11040) + "}]*7b1dacab",
    '>0 [2,1,"hello",{"v":[1],"h":"txocpp/0.1","n":"000102030405060708090a0b0c0d0e0f"}]*ec3588e1',
    "<0 [3,1,{" + GREETING + ',"auth":1,"n":"101112131415161718191a1b1c1d1e1f",'
    '"p":"f029654651bb6c68921fbc678730d919"}]*dfe414d7',
    '>1 [2,2,"auth",{"p":"d7f42aff95157627fd1a18f5010f7109"}]*b95933c6',
]
SEALED = [
    "<1 [3,2,{}]*1140a8504768e810",
    '>1 [2,3,"ping"]*495b1769c04d8e7e',
    '<2 [3,3,{"up":0,"bad":0}]*46edb8c5b191d1d3',
    '>2 [2,4,"limit",{"c":1,"ma":16000,"ttl":30}]*898b2fe9c0349898',
    '<3 [5,"state",1234,{' + STATE % ("A", 0, 0, 0, 0) + "}]*cc5c9ff927d930d9",
    '<4 [3,4,{"ma":0,"why":"host"}]*d512a6a40766735f',
    '>3 [2,5,"gate",{"c":1,"on":1}]*731d7dc09fdd9877',
    '<5 [5,"state",1234,{' + STATE % ("A", 0, 0, 1, 0) + "}]*f31072c382da93e4",
    '<6 [3,5,{"on":0,"ma":0}]*aa88bf1df83eb6d5',
    '>4 [2,6,"limit",{"c":2,"ma":16000}]*615d26603d5b674e',
    '<7 [4,6,"BadConn",""]*f4ee8587e51775af',
    '<8 [5,"state",5234,{' + STATE % ("B", 0, 16000, 1, 0) + "}]*3d20abbf7a234183",
    '<9 [5,"state",5734,{' + STATE % ("C", 1, 16000, 1, 11040) + "}]*fe13c16c2e513626",
]


def direction(line: str) -> Direction:
    """Who says it."""
    return Direction(line[:1].encode())


@pytest.mark.parametrize(
    ("line", "sealed"), [(v, False) for v in PLAIN] + [(v, True) for v in SEALED]
)
def test_vectors_both_ways(line: str, sealed: bool) -> None:
    """What the line says is understood, and said again it is the same bytes."""
    way = direction(line)
    key = (KEYS.to_device if way is Direction.TO_DEVICE else KEYS.to_host) if sealed else None
    frame = parse(line.encode(), way)
    assert frame is not None
    assert frame.sealed is sealed
    assert frame.fits(key)
    message = decode(frame.body)
    assert message is not None
    assert encode(way, frame.counter, message, key) == b"\n" + line.encode() + b"\n"


def test_the_bytes_of_a_ping() -> None:
    """With its line feeds, as they go over the wire."""
    assert encode(Direction.TO_DEVICE, 1, [2, 3, "ping"], None) == bytes.fromhex(
        "0a 3e 31 20 5b 32 2c 33 2c 22 70 69 6e 67 22 5d 2a 39 32 32 33 64 37 64 38 0a"
    )


def test_keys_of_a_session() -> None:
    """From the shared key and both nonces, as published."""
    assert (
        KEYS.to_device.hex() == "42ed9ca51698e83eca09b549d8852b74e38b304c63c169aaf09836a01356f643"
    )
    assert KEYS.to_host.hex() == "4c3af4215523f4e2dfb64bff1f3f9571c57bd387d534a5fcf2ee107e68d421e1"
    assert KEYS.device_proof.hex() == "f029654651bb6c68921fbc678730d919"
    assert KEYS.host_proof.hex() == "d7f42aff95157627fd1a18f5010f7109"
    assert KEYS.to_device.hex() not in repr(KEYS)
    assert len(update_proof(KEY, bytes(32), 1000, "1.0")) == 16


def test_noise_before_a_frame_does_no_harm() -> None:
    """Boot chatter ends where the frame begins; a star inside is not the last one."""
    frame = parse(b'\xff\x80 ets Jan  8 2013*<1 [3,3,{"up":0,"bad":0}]*7d6faf30', Direction.TO_HOST)
    assert frame is not None
    assert frame.fits(None)
    starred = encode(Direction.TO_HOST, 7, [5, "log", 1, {"m": "a*b<c>d"}], None)
    again = parse(starred.strip(), Direction.TO_HOST)
    assert again is not None
    assert again.fits(None)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"<1 [3]",
        b"*<1 [3]",
        b">1 [3,3,{}]*7d6faf30",
        b"<[3,3,{}]*7d6faf30",
        b"<x [3,3,{}]*7d6faf30",
        b"<-1 [3,3,{}]*7d6faf30",
        b"<1234567890 [3,3,{}]*7d6faf30",
        b"< [3,3,{}]*7d6faf30",
        b"<1 [3,3,{}]*7d6faf3",
        b"<1 [3,3,{}]*",
        b"<1 [3,3,\xff]*7d6faf30",
    ],
)
def test_what_is_no_frame(line: bytes) -> None:
    """Wrong sign, counter, tag length or bytes: nothing is taken from it."""
    assert parse(line, Direction.TO_HOST) is None


@pytest.mark.parametrize("body", ["", "{}", "[1,2]", "[1,2", "7", "[" * 100_000])
def test_what_is_no_message(body: str) -> None:
    """Only a list of at least three says something."""
    assert decode(body) is None


def test_a_frame_that_does_not_fit_is_not_sent() -> None:
    """256 bytes to a device and 512 to a host is all that the other end takes."""
    encode(Direction.TO_DEVICE, 1, ["x" * 232], None)
    with pytest.raises(ValueError, match="too long, 256 fit"):
        encode(Direction.TO_DEVICE, 1, ["x" * 300], None)
    encode(Direction.TO_HOST, 1, ["x" * 400], None)


def test_lines_are_cut_wherever_the_bytes_come_apart() -> None:
    """Carriage returns and empty lines are nothing."""
    splitter = LineSplitter(10)
    assert splitter.feed(b"\nab") == []
    assert splitter.feed(b"c\r\n\n\r\nde\nf") == [b"abc", b"de"]
    assert splitter.feed(b"\n") == [b"f"]
    assert splitter.dropped == 0


def test_a_line_without_end_fills_no_memory() -> None:
    """It is dropped up to its end, counted once, and the next one is whole."""
    splitter = LineSplitter(10)
    for _ in range(1000):
        assert splitter.feed(b"x" * 100) == []
    assert len(splitter._buffer) <= 10
    assert splitter.feed(b"\nok\n" + b"y" * 11 + b"\nfine\n") == [b"ok", b"fine"]
    assert splitter.dropped == 2


@given(st.lists(st.binary(max_size=40)), st.sampled_from(Direction))
def test_any_bytes_are_survived(pieces: list[bytes], way: Direction) -> None:
    """Whatever comes, splitting depends on the bytes and not on how they come."""
    one, many = LineSplitter(16), LineSplitter(16)
    lines = [line for piece in pieces for line in many.feed(piece)]
    assert one.feed(b"".join(pieces)) == lines
    for line in lines:
        parse(line, way)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    ),
    st.integers(0, 999_999_999),
    st.none() | st.binary(min_size=32, max_size=32),
)
def test_what_is_said_is_heard(value: object, counter: int, key: bytes | None) -> None:
    """A frame survives the way to the other end, and no other tag fits it."""
    message = [5, "x", value]
    line = encode(Direction.TO_HOST, counter, message, key).strip()
    frame = parse(line, Direction.TO_HOST)
    assert frame is not None
    assert (frame.counter, decode(frame.body)) == (counter, message)
    assert frame.fits(key)
    assert not frame.fits(b"another key")
