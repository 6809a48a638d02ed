"""What one message costs in CPU time: JSON text to checked object, and back to text.

Measured beside the PyPI package `ocpp` in one run, the two taking turns. Both sides get the same
frames; both check everything.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from bench.figures import Table, Target, spoken, typical
from txocpp.messages.v16 import MessageFactory16
from txocpp.rpc.frames import Call, read_frame

SAMPLES = [
    ("Energy.Active.Import.Register", "Wh", None, "1523400"),
    ("Power.Active.Import", "W", None, "7360"),
    ("Current.Import", "A", "L1", "10.6"),
    ("Current.Import", "A", "L2", "10.7"),
    ("Current.Import", "A", "L3", "10.6"),
    ("Voltage", "V", "L1-N", "230.4"),
    ("Voltage", "V", "L2-N", "229.8"),
    ("Voltage", "V", "L3-N", "231.0"),
]


def _sampled(measurand: str, unit: str, phase: str | None, value: str) -> dict[str, str]:
    sampled = {
        "value": value,
        "context": "Sample.Periodic",
        "measurand": measurand,
        "location": "Outlet",
        "unit": unit,
    }
    return sampled if phase is None else {**sampled, "phase": phase}


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "MeterValues, 8 samples": (
        "MeterValues",
        {
            "connectorId": 1,
            "transactionId": 4711,
            "meterValue": [
                {
                    "timestamp": "2024-06-03T12:00:00Z",
                    "sampledValue": [_sampled(*sample) for sample in SAMPLES],
                }
            ],
        },
    ),
    "StartTransaction": (
        "StartTransaction",
        {
            "connectorId": 1,
            "idTag": "04A2B3C4D5E680",
            "meterStart": 1523400,
            "timestamp": "2024-06-03T12:00:00Z",
        },
    ),
}

Work = Callable[[], object]


@attrs.frozen
class Row:
    """One direction of one message, in microseconds of CPU time."""

    what: str
    ours_us: float
    theirs_us: float
    json_us: float
    """The JSON of the standard library alone, for comparison."""

    @property
    def ratio(self) -> float:
        return self.theirs_us / self.ours_us


def rows(rounds: int = 9) -> list[Row]:
    """Measure; the more rounds, the steadier."""
    found = []
    for what, (action, payload) in CALLS.items():
        frame = json.dumps([2, "19223201", action, payload], separators=(",", ":"))
        read: list[Work] = [_our_decode(frame), _their_decode(frame), lambda f=frame: json.loads(f)]  # type: ignore[misc]
        found.append(Row(f"decode {what}", *_taking_turns(read, rounds)))
        parsed = json.loads(frame)
        write: list[Work] = [
            _our_encode(action, payload),
            _their_encode(action, payload),
            lambda p=parsed: json.dumps(p, separators=(",", ":")),  # type: ignore[misc]
        ]
        found.append(Row(f"encode {what}", *_taking_turns(write, rounds)))
    return found


def tables(measured: Sequence[Row]) -> list[Table]:
    """The rows for people."""
    lines = [
        [
            row.what,
            spoken(row.ours_us),
            spoken(row.theirs_us),
            f"{row.ratio:.0f} x",
            spoken(row.json_us),
        ]
        for row in measured
    ]
    header = ("message", "txocpp", "PyPI ocpp", "ratio", "json alone")
    remark = (
        "Text to checked object and back. The last column is the json module of the standard "
        "library, without any check."
    )
    return [Table("One message, microseconds of CPU", header, lines, remark)]


def targets(measured: Sequence[Row]) -> list[Target]:
    """What was promised."""
    decoding = next((row.ratio for row in measured if row.what.startswith("decode Meter")), None)
    what = "decode and check MeterValues with 8 samples, against PyPI ocpp"
    return [Target(what, decoding, 30, 80, more_is_better=True, unit=" x")]


def _our_decode(frame: str) -> Work:
    factory = MessageFactory16()

    def decode() -> object:
        call = read_frame(frame)
        assert isinstance(call, Call)
        return factory.request(call.action, call.payload)

    return decode


def _our_encode(action: str, payload: dict[str, Any]) -> Work:
    factory = MessageFactory16()
    message = factory.request(action, payload)

    def encode() -> object:
        return Call("19223201", action, factory.payload(message)).to_text(is_plain=True)

    return encode


def _their_decode(frame: str) -> Work:
    from ocpp import messages
    from ocpp.charge_point import camel_to_snake_case
    from ocpp.v16 import call

    def decode() -> object:
        received = messages.unpack(frame)
        messages._validate_payload(received, "1.6")
        return getattr(call, received.action)(**camel_to_snake_case(received.payload))

    return decode


def _their_encode(action: str, payload: dict[str, Any]) -> Work:
    from ocpp import messages
    from ocpp.charge_point import (
        camel_to_snake_case,
        remove_nones,
        serialize_as_dict,
        snake_to_camel_case,
    )
    from ocpp.v16 import call

    message = getattr(call, action)(**camel_to_snake_case(payload))

    def encode() -> object:
        fields = remove_nones(snake_to_camel_case(serialize_as_dict(message)))
        sent = messages.Call(unique_id="19223201", action=action, payload=fields)
        messages._validate_payload(sent, "1.6")
        return sent.to_json()

    return encode


def _taking_turns(works: Sequence[Work], rounds: int) -> list[float]:
    """Microseconds of CPU per piece of work; in each round every piece has its turn."""
    repeats = [_repeats(work) for work in works]
    windows: list[list[float]] = [[] for _ in works]
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for index, work in enumerate(works):
            windows[index].append(_window(work, repeats[index]))
    gc.unfreeze()
    return [typical(found) for found in windows]


def _repeats(work: Work) -> int:
    """How often to repeat the work for a window of about 30 ms."""
    work()
    once_us = _window(work, 20)
    return max(20, int(30_000 / once_us))


def _window(work: Work, repeats: int) -> float:
    began = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - began) / repeats * 1e6


if __name__ == "__main__":
    taken = rows()
    for table in tables(taken):
        print(table.text())
