"""What a broken, careless or hostile peer may send: frames, bytes on the wire, handshakes.

Made by hypothesis. None of it is right; what the receiver has to do is stay what it was.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from txocpp.errors import CallRefused

MASK = b"\x12\x34\x56\x78"


def ws_frame(
    payload: bytes, *, opcode: int = 1, fin: bool = True, rsv: int = 0, masked: bool = True
) -> bytes:
    """One WebSocket frame (RFC 6455 §5.2), right or wrong as asked."""
    head = bytes([(0x80 if fin else 0) | (rsv << 4) | opcode])
    flag = 0x80 if masked else 0
    length = len(payload)
    if length < 126:
        head += bytes([flag | length])
    elif length < 1 << 16:
        head += struct.pack("!BH", flag | 126, length)
    else:
        head += struct.pack("!BQ", flag | 127, length)
    if not masked:
        return head + payload
    mask = (MASK * (length // 4 + 1))[:length]
    body = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return head + MASK + body.to_bytes(length, "big")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)

ACTIONS_TO_CENTRAL_SYSTEM = (
    "Authorize",
    "BootNotification",
    "DataTransfer",
    "Heartbeat",
    "MeterValues",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
    "SecurityEventNotification",
)
ACTIONS_TO_CHARGE_POINT = (
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearChargingProfile",
    "GetCompositeSchedule",
    "GetConfiguration",
    "RemoteStartTransaction",
    "ReserveNow",
    "SendLocalList",
    "SetChargingProfile",
    "TriggerMessage",
    "UnlockConnector",
    "ExtendedTriggerMessage",
)

field_names = st.sampled_from(
    [
        "connectorId",
        "idTag",
        "meterStart",
        "meterStop",
        "timestamp",
        "transactionId",
        "status",
        "errorCode",
        "meterValue",
        "chargePointVendor",
        "chargePointModel",
        "csChargingProfiles",
        "chargingProfile",
        "key",
        "value",
        "type",
        "requestedMessage",
        "duration",
        "listVersion",
        "updateType",
        "localAuthorizationList",
        "vendorId",
    ]
) | st.text(max_size=10)


def calls(actions: tuple[str, ...]) -> st.SearchStrategy[str]:
    """CALLs whose frame is nearly right and whose payload is anything."""
    payloads = st.dictionaries(field_names, json_values, max_size=5) | json_values
    return st.builds(
        lambda message_id, action, payload: json.dumps([2, message_id, action, payload]),
        st.text(max_size=40) | st.integers() | st.none(),
        st.sampled_from(actions) | st.text(max_size=20),
        payloads,
    )


odd_frames = st.one_of(
    json_values.map(json.dumps),
    st.lists(json_values, max_size=6).map(json.dumps),
    st.builds(
        lambda kind, rest: json.dumps([kind, *rest]),
        st.integers(-1, 6),
        st.lists(json_values, max_size=5),
    ),
    st.text(max_size=200),
    st.sampled_from(
        [
            "",
            " ",
            "[]",
            "{}",
            "null",
            '[2,"1","Heartbeat",{}',
            '[2,"1","Heartbeat",{}]]',
            '[2,"1","Heartbeat",{},{}]',
            '[2,"1","Heartbeat"]',
            '[2.0,"1","Heartbeat",{}]',
            '[true,"1","Heartbeat",{}]',
            '["2","1","Heartbeat",{}]',
            '[2,"1","Heartbeat",NaN]',
            '[2,"1","MeterValues",{"connectorId":1e999,"meterValue":[]}]',
            '[2,"1","Authorize",{"idTag":"\\ud800"}]',
            '[2,"\\u0000","Authorize",{"idTag":"\\u0000"}]',
            '[2,"1","Authorize",{"idTag":"a","idTag":"b"}]',
            '[2,"__proto__","__class__",{"__init__":1}]',
            '[3,"unknown",{}]',
            '[3,"unknown"]',
            '[4,"unknown","NoSuchCode","",{}]',
            '[4,"unknown"]',
            '\ufeff[2,"1","Heartbeat",{}]',
        ]
    ),
)

MONSTERS = {
    "unclosed lists": "[" * 100_000,
    "lists in lists": "[" * 50_000 + "]" * 50_000,
    "objects in objects": '[2,"1","DataTransfer",' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "]",
    "long text": '[2,"1","DataTransfer",{"vendorId":"v","data":"' + "x" * 900_000 + '"}]',
    "many values": '[2,"1","MeterValues",{"connectorId":1,"meterValue":['
    + ",".join(['{"timestamp":"2030-01-01T00:00:00Z","sampledValue":[{"value":"1"}]}'] * 8000)
    + "]}]",
    "many fields": '[2,"1","BootNotification",{'
    + ",".join(f'"k{number}":{number}' for number in range(40_000))
    + "}]",
    "long number": "9" * 500_000,
    "long number inside": '[2,"1","StartTransaction",{"connectorId":' + "9" * 10_000 + "}]",
    "many escapes": '"' + "\\u0041" * 100_000 + '"',
    "long id": '[2,"' + "x" * 5000 + '","Heartbeat",{}]',
}


def frames(actions: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Text frames for a receiver of these actions."""
    return calls(actions) | odd_frames


def wire(*, masked: bool) -> st.SearchStrategy[bytes]:
    """Bytes after the handshake that break WebSocket itself; a client masks, a server does not."""
    payload = st.binary(max_size=300)

    def made(**fixed: Any) -> Any:
        return lambda data: ws_frame(data, **{"masked": masked, **fixed})

    return st.one_of(
        st.binary(min_size=1, max_size=400),
        payload.map(made()),  # mostly no UTF-8
        payload.map(made(opcode=2)),
        payload.map(made(masked=not masked)),
        st.builds(lambda data, rsv: made(rsv=rsv)(data), payload, st.integers(1, 7)),
        st.builds(
            lambda data, opcode: made(opcode=opcode)(data),
            payload,
            st.sampled_from([0, 3, 7, 11, 15]),
        ),
        payload.map(made(opcode=9, fin=False)),
        st.binary(min_size=126, max_size=300).map(made(opcode=9)),
        st.sampled_from(
            [
                ws_frame(b"\xff\xfe", masked=masked),
                ws_frame(b"\xed\xa0\x80", masked=masked),
                ws_frame(b"[2,", fin=False, masked=masked) + ws_frame(b"x", masked=masked),
                ws_frame(b"\x00\x01", opcode=8, masked=masked),
                ws_frame(b"\x03\xee", opcode=8, masked=masked),
                ws_frame(b"\x03\xe8\xff\xff", opcode=8, masked=masked),
                ws_frame(b"\x03", opcode=8, masked=masked),
                bytes([0x81, 0xFF if masked else 0x7F]) + b"\xff" * 8,
                bytes([0x81, 0xFF if masked else 0x7F])
                + b"\x00\x00\x00\x7f\xff\xff\xff\xff"
                + MASK,
            ]
        ),
    )


GOOD_REQUEST = (
    ("Host", "127.0.0.1"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Protocol", "ocpp1.6"),
)


def request(
    path: str, *, headers: Any = GOOD_REQUEST, method: str = "GET", version: str = "HTTP/1.1"
) -> bytes:
    """An opening handshake, right if nothing else is asked for."""
    lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


@st.composite
def handshakes(draw: st.DrawFn, path: str) -> bytes:
    """Opening handshakes that are not quite right."""
    headers = list(GOOD_REQUEST)
    kind = draw(st.integers(0, 9))
    odd = draw(st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60))
    if kind == 0:
        return draw(st.binary(min_size=1, max_size=500)) + b"\r\n\r\n"
    if kind == 1:
        del headers[draw(st.integers(0, len(headers) - 1))]
    elif kind == 2:
        at = draw(st.integers(0, len(headers) - 1))
        headers[at] = (headers[at][0], odd)
    elif kind == 3:
        headers.append(("Authorization", draw(st.sampled_from(["", "Basic", "Basic !!", odd]))))
    elif kind == 4:
        headers += [(f"X-{n}", "y" * 200) for n in range(draw(st.integers(10, 400)))]
    elif kind == 5:
        return request(path, method=draw(st.sampled_from(["POST", "PUT", "get", "", odd])))
    elif kind == 6:
        return request(path, version=draw(st.sampled_from(["HTTP/0.9", "HTTP/9", "", odd])))
    elif kind == 7:
        return request(draw(st.sampled_from(["/", "", "*", "http://x/", path + "%zz%ff", odd])))
    elif kind == 8:
        headers.append(draw(st.sampled_from(headers)))
    else:
        return request(path)[: draw(st.integers(1, 150))]
    return request(path, headers=headers)


CODES = {code.code for code in CallRefused.__subclasses__()}


def frames_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Opcode and payload of what one end sent, which must be whole unfragmented frames."""
    while data:
        assert data[0] & 0xF0 == 0x80, data[:20]
        length, start = data[1] & 127, 2
        masked = data[1] & 128
        if length == 126:
            length, start = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(data[2:10], "big"), 10
        mask = data[start : start + 4] if masked else b""
        start += len(mask)
        assert len(data) >= start + length
        payload = data[start : start + length]
        if masked:
            payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        yield data[0] & 15, payload
        data = data[start + length :]


def texts(data: bytes) -> list[Any]:
    """The OCPP-J frames that one end sent."""
    return [json.loads(payload) for opcode, payload in frames_of(data) if opcode == 1]


def close_code(data: bytes) -> int | None:
    """The code of its close frame, if it sent one."""
    for opcode, payload in frames_of(data):
        if opcode == 8:
            return int.from_bytes(payload[:2], "big")
    return None


def assert_clear_answers(answers: list[Any]) -> None:
    """Whatever was answered is right OCPP-J and blames nobody's innards."""
    for answer in answers:
        if answer[0] == 3:
            assert len(answer) == 3
            assert isinstance(answer[2], dict)
        else:
            kind, _, code, description, details = answer
            assert kind == 4
            assert code in CODES
            assert code != "InternalError", answer
            assert isinstance(description, str)
            assert len(description) <= 255
            assert isinstance(details, dict)
