"""A station of which nothing is known but the frames that it sends: each gets what it should."""

from __future__ import annotations

import json
from typing import Any

import pytest
from street import Street, instant, outcome_of
from zope.interface import implementer

from txocpp.interfaces import Credentials, ITransport

BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
START = {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": instant()}
STOP = {"transactionId": 1, "meterStop": 9, "timestamp": instant(60)}
SAMPLED = {"timestamp": instant(), "sampledValue": [{"value": "1"}]}
VALUES = {"connectorId": 1, "meterValue": [SAMPLED]}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
EVENT = {"type": "SettingSystemTime", "timestamp": instant()}

ALL: dict[str, dict[str, Any]] = {
    "Authorize": {"idTag": "T"},
    "BootNotification": BOOT,
    "DataTransfer": {"vendorId": "V"},
    "DiagnosticsStatusNotification": {"status": "Idle"},
    "FirmwareStatusNotification": {"status": "Idle"},
    "Heartbeat": {},
    "LogStatusNotification": {"status": "Uploading", "requestId": 1},
    "MeterValues": VALUES,
    "SecurityEventNotification": EVENT,
    "SignCertificate": {"csr": "PEM"},
    "SignedFirmwareStatusNotification": {"status": "Downloading", "requestId": 1},
    "StartTransaction": START,
    "StatusNotification": STATUS,
    "StopTransaction": STOP,
}
"""Every action of a charge point, with a payload that is good."""


@implementer(ITransport)
class RawStation:
    """Sends any text and keeps what comes back."""

    peer = "raw"

    def __init__(self, street: Street, identity: str = "RAW") -> None:
        self.street = street
        self.came: list[Any] = []
        self.closed: tuple[int, str] | None = None
        credentials = Credentials(identity=identity)
        assert outcome_of(street.office.central.admit(credentials)) is None
        self.line = street.office.central.receiver(credentials, "ocpp1.6")
        self.line.connected(self)
        street.run()

    def send(self, frame: str) -> None:
        """The central system says something."""
        self.came.append(json.loads(frame))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """The central system hangs up."""
        self.closed = (code, reason)

    def say(self, frame: Any) -> list[Any]:
        """A frame, as text or as what shall become JSON; what comes back."""
        before = len(self.came)
        self.line.frame_received(frame if isinstance(frame, str) else json.dumps(frame))
        self.street.run()
        return self.came[before:]

    def booted(self) -> RawStation:
        """It has been accepted."""
        (answer,) = self.say([2, "boot", "BootNotification", BOOT])
        assert answer[2]["status"] == "Accepted"
        return self


@pytest.mark.rule("Z-01", "J-02", "J-07")
@pytest.mark.parametrize("action", sorted(ALL))
def test_every_good_call_gets_its_result(street: Street, action: str) -> None:
    """With its own id, in three elements."""
    station = RawStation(street).booted()
    (answer,) = station.say([2, "an id", action, ALL[action]])
    assert answer[:2] == [3, "an id"]
    assert isinstance(answer[2], dict)
    assert len(answer) == 3


@pytest.mark.rule("B-12")
@pytest.mark.parametrize("action", sorted(set(ALL) - {"BootNotification"}))
def test_nothing_is_served_before_the_first_boot(street: Street, action: str) -> None:
    """SecurityError, and nothing is kept of it."""
    station = RawStation(street)
    (answer,) = station.say([2, "1", action, ALL[action]])
    assert answer[:3] == [4, "1", "SecurityError"]
    assert street.transactions() == []
    assert station.booted().closed is None


@pytest.mark.rule("J-20", "J-16")
@pytest.mark.parametrize("action", sorted(ALL))
def test_an_unknown_property_is_refused(street: Street, action: str) -> None:
    """By its name."""
    station = RawStation(street).booted()
    (answer,) = station.say([2, "1", action, {**ALL[action], "surprise": 1}])
    assert answer[:3] == [4, "1", "FormationViolation"]
    assert "surprise" in answer[3]


REQUIRED = [
    (action, name)
    for action, payload in sorted(ALL.items())
    for name in payload
    if (action, name)
    not in {
        ("LogStatusNotification", "requestId"),
        ("SignedFirmwareStatusNotification", "requestId"),
    }
]


@pytest.mark.rule("J-20")
@pytest.mark.parametrize(("action", "name"), REQUIRED)
def test_each_missing_field_is_named(street: Street, action: str, name: str) -> None:
    """ProtocolError; null and things of another kind are TypeConstraintViolation."""
    station = RawStation(street).booted()
    good = ALL[action]
    (missing,) = station.say([2, "1", action, {k: v for k, v in good.items() if k != name}])
    assert missing[:3] == [4, "1", "ProtocolError"]
    assert name in missing[3]
    for wrong in (None, {"x": 1}, True):
        (answer,) = station.say([2, "1", action, {**good, name: wrong}])
        assert answer[:3] == [4, "1", "TypeConstraintViolation"]
        assert name in answer[3]


@pytest.mark.rule("J-20")
@pytest.mark.parametrize(
    ("action", "field", "value", "code"),
    [
        ("BootNotification", "chargePointVendor", "V" * 21, "PropertyConstraintViolation"),
        ("BootNotification", "firmwareVersion", "1" * 51, "PropertyConstraintViolation"),
        ("Authorize", "idTag", "T" * 21, "PropertyConstraintViolation"),
        ("Authorize", "idTag", 5, "TypeConstraintViolation"),
        ("StartTransaction", "idTag", "T" * 21, "PropertyConstraintViolation"),
        ("StartTransaction", "connectorId", 0, "PropertyConstraintViolation"),
        ("StartTransaction", "connectorId", "1", "TypeConstraintViolation"),
        ("StartTransaction", "meterStart", 1.5, "TypeConstraintViolation"),
        ("StartTransaction", "meterStart", 2**70, "PropertyConstraintViolation"),
        ("StartTransaction", "timestamp", "yesterday", "PropertyConstraintViolation"),
        ("StopTransaction", "reason", "Bored", "PropertyConstraintViolation"),
        ("MeterValues", "meterValue", [], "OccurenceConstraintViolation"),
        ("StatusNotification", "status", "Occupied", "PropertyConstraintViolation"),
        ("StatusNotification", "errorCode", "Tired", "PropertyConstraintViolation"),
        ("StatusNotification", "info", "i" * 51, "PropertyConstraintViolation"),
        ("StatusNotification", "connectorId", -1, "PropertyConstraintViolation"),
        ("DataTransfer", "data", {"a": 1}, "TypeConstraintViolation"),
        ("FirmwareStatusNotification", "status", "Lost", "PropertyConstraintViolation"),
    ],
)
def test_each_wrong_value_has_its_code(
    street: Street, action: str, field: str, value: Any, code: str
) -> None:
    """And the line goes on."""
    station = RawStation(street).booted()
    (answer,) = station.say([2, "1", action, {**ALL[action], field: value}])
    assert answer[:3] == [4, "1", code]
    assert field in answer[3]
    assert len(answer) == 5
    assert station.say([2, "2", "Heartbeat", {}])[0][0] == 3
    assert street.transactions() == []


@pytest.mark.rule("J-03", "J-05", "J-07", "J-17", "J-18")
@pytest.mark.parametrize(
    "frame",
    [
        "",
        " ",
        "null",
        "{}",
        "[]",
        "[2]",
        "[2",
        '[2,1,"Heartbeat",{}]',
        f'[2,"{"x" * 37}","Heartbeat",{{}}]',
        '[1,"a","Heartbeat",{}]',
        '[5,"a",{}]',
        '["2","a","Heartbeat",{}]',
        '[3,"nothing was asked",{}]',
        '[4,"nothing was asked","GenericError","",{}]',
    ],
)
def test_what_cannot_be_answered_is_passed_over(street: Street, frame: str) -> None:
    """No answer, no goodbye, no harm."""
    station = RawStation(street).booted()
    assert station.say(frame) == []
    assert station.closed is None
    assert station.say([2, "2", "Heartbeat", {}])[0][:2] == [3, "2"]


@pytest.mark.rule("J-04", "J-17", "J-22")
@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('[2,"a","Heartbeat"]', "FormationViolation"),
        ('[2,"a","Heartbeat",{},1]', "FormationViolation"),
        ('[2,"a","Heartbeat",[]]', "FormationViolation"),
        ('[2,"a","Heartbeat","{}"]', "FormationViolation"),
        ('[2,"a",5,{}]', "FormationViolation"),
        ('[2,"a","heartbeat",{}]', "NotImplemented"),
        ('[2,"a","/Heartbeat",{}]', "NotImplemented"),
        ('[2,"a","Heartbeat.req",{}]', "NotImplemented"),
        ('[2,"a","MakeCoffee",{}]', "NotImplemented"),
        ('[2,"a","Reset",{"type":"Soft"}]', "NotSupported"),
    ],
)
def test_calls_that_are_none_are_refused(street: Street, frame: str, code: str) -> None:
    """With the id that they have."""
    station = RawStation(street).booted()
    (answer,) = station.say(frame)
    assert answer[:3] == [4, "a", code]


@pytest.mark.rule("J-05", "J-11")
def test_ids_and_payloads_at_the_edge_are_good(street: Street) -> None:
    """36 characters, none at all, and null for an empty payload."""
    station = RawStation(street).booted()
    for number in ("x" * 36, "", "ü"):
        assert station.say([2, number, "Heartbeat", None])[0][:2] == [3, number]


@pytest.mark.rule("J-06", "TX-27")
def test_an_id_that_was_used_before_is_answered_again(street: Street) -> None:
    """A retransmission; also on another connection. It is told apart by what it says."""
    station = RawStation(street).booted()
    (first,) = station.say([2, "1", "StartTransaction", START])
    assert station.say([2, "1", "StartTransaction", START]) == [first]
    again = RawStation(street)
    assert again.say([2, "1", "StartTransaction", START]) == [first]
    (other,) = again.say([2, "1", "StartTransaction", {**START, "connectorId": 2}])
    assert other[2]["transactionId"] != first[2]["transactionId"]


@pytest.mark.rule("Z-01", "J-09")
def test_calls_are_answered_while_a_call_of_ours_is_out(street: Street) -> None:
    """In any order; an answer that comes later is still taken."""
    station = RawStation(street).booted()
    asking = street.begin("RAW", "ClearCache")
    kind, number, action, payload = station.came[-1]
    assert (kind, action, payload) == (2, "ClearCache", {})
    assert station.say([2, "2", "Heartbeat", {}])[0][:2] == [3, "2"]
    assert station.say([3, number, {"status": "Accepted"}]) == []
    assert outcome_of(asking).outcome == "answered"


@pytest.mark.rule("J-06", "J-08")
def test_our_calls_have_ids_of_their_own(street: Street) -> None:
    """At most 36 characters, never twice, over all connections."""
    numbers = []
    for _ in range(3):
        station = RawStation(street).booted()
        street.begin("RAW", "ClearCache")
        numbers.append(station.came[-1][1])
        station.say([3, numbers[-1], {"status": "Accepted"}])
    assert len(set(numbers)) == 3
    assert all(isinstance(number, str) and 0 < len(number) <= 36 for number in numbers)


@pytest.mark.rule("J-19", "J-21", "J-13")
@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        ([3, "$", {"status": "Accepted"}], "answered", None),
        ([3, "$", {"status": "Maybe"}], "refused", "InvalidResponse"),
        ([3, "$", {}], "refused", "InvalidResponse"),
        ([3, "$", {"status": "Accepted", "more": 1}], "refused", "InvalidResponse"),
        ([4, "$", "FormatViolation", "", {}], "refused", "FormatViolation"),
        ([4, "$", "OccurrenceConstraintViolation", "", {}], "refused", None),
        ([4, "$", "Tired", "so tired", {}], "refused", "Tired"),
        ([4, "$", "GenericError"], "refused", "GenericError"),
        ([4, "$", "GenericError", None, None], "refused", "GenericError"),
    ],
)
def test_every_answer_to_our_call_ends_it(
    street: Street, answer: list[Any], outcome: str, code: str | None
) -> None:
    """Whatever its form, the next operation goes out; the record says what came."""
    station = RawStation(street).booted()
    asking = street.begin("RAW", "ClearCache")
    number = station.came[-1][1]
    station.say([number if part == "$" else part for part in answer])
    done = outcome_of(asking)
    assert done.outcome == outcome
    if code is not None:
        assert done.error_code == code
    street.begin("RAW", "GetLocalListVersion")
    assert station.came[-1][2] == "GetLocalListVersion"


@pytest.mark.rule("H-06", "TX-28")
@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-06-01T12:00:00Z",
        "2026-06-01T12:00:00",
        "2026-06-01T14:00:00+02:00",
        "2026-06-01T12:00:00.1234567Z",
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_any_time_will_do(street: Street, timestamp: str) -> None:
    """Clocks may be wrong by thousands of years; what they say is kept and can be looked at."""
    station = RawStation(street).booted()
    timed = {"timestamp": timestamp}
    (started,) = station.say([2, "1", "StartTransaction", {**START, **timed}])
    number = started[2]["transactionId"]
    station.say([2, "2", "StatusNotification", {**STATUS, **timed}])
    values = {**VALUES, "transactionId": number, "meterValue": [{**SAMPLED, **timed}]}
    assert station.say([2, "3", "MeterValues", values]) == [[3, "3", {}]]
    stop = {**STOP, **timed, "transactionId": number, "transactionData": [{**SAMPLED, **timed}]}
    assert station.say([2, "4", "StopTransaction", stop]) == [[3, "4", {}]]
    (only,) = street.transactions()
    assert only.state == "stopped"
    from api_rig import Client

    client = Client(street)
    for path in ("/api/stations/RAW", f"/api/transactions/{number}", "/api/transactions.csv"):
        assert client.get(path).status == 200
