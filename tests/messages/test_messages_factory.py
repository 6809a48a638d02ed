"""Which action is which class, and how applications change that."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from txocpp import errors
from txocpp.interfaces import IMessageFactory
from txocpp.messages.declaration import (
    CHARGE_POINT,
    EITHER,
    Datatype,
    Request,
    Response,
    Sender,
    datatype,
    request,
    response_to,
)
from txocpp.messages.fields import integer, many, text
from txocpp.messages.v16 import (
    AuthorizeRequest,
    BootNotificationRequest,
    BootNotificationResponse,
    MessageFactory16,
)


@datatype
class Fan(Datatype):
    """One fan of a station."""

    rpm: int = integer("rpm", minimum=0)


@request("FansNotification", sent_by=CHARGE_POINT, profile="AcmeFans")
class FansNotificationRequest(Request):
    """How fast the fans turn."""

    fans: tuple[Fan, ...] = many("fans", Fan)


@response_to(FansNotificationRequest)
class FansNotificationResponse(Response):
    """Received."""


@request("BootNotification", sent_by=CHARGE_POINT, profile="Core")
class AcmeBootRequest(BootNotificationRequest):
    """A BootNotification with one more field."""

    bay: str | None = text("bay", max_length=5, default=None)


BOOT = {"chargePointVendor": "Acme", "chargePointModel": "One"}


def test_provides_the_interface() -> None:
    """The seam that the floors below see."""
    factory = MessageFactory16()
    assert verifyObject(IMessageFactory, factory)
    assert factory.subprotocol == "ocpp1.6"


def test_actions_can_be_listed() -> None:
    """All 39, with their classes, senders and feature profiles; the list cannot be changed."""
    actions = MessageFactory16().actions
    assert len(actions) == 39
    assert actions["Authorize"] is AuthorizeRequest
    assert actions["DataTransfer"].sent_by is EITHER
    from_stations = [a for a, r in actions.items() if r.sent_by is Sender.CHARGE_POINT]
    assert len(from_stations) == 7 + 2 + 4
    profiles = {request.profile for request in actions.values()}
    assert profiles == {
        "Core",
        "FirmwareManagement",
        "LocalAuthListManagement",
        "Reservation",
        "SmartCharging",
        "RemoteTrigger",
        "Security",
    }
    with pytest.raises(TypeError):
        actions["Dance"] = AuthorizeRequest  # type: ignore[index]


def test_a_vendor_registers_an_action_of_its_own() -> None:
    """It is spoken by this factory, and by no other."""
    factory = MessageFactory16()
    factory.register(FansNotificationRequest)
    assert factory.request_type("FansNotification") is FansNotificationRequest
    told = factory.request("FansNotification", {"fans": [{"rpm": 900}, {"rpm": 0}]})
    assert told == FansNotificationRequest(fans=(Fan(rpm=900), Fan(rpm=0)))
    assert factory.payload(told) == {"fans": [{"rpm": 900}, {"rpm": 0}]}
    assert factory.response("FansNotification", {}) == FansNotificationResponse()
    with pytest.raises(errors.PropertyConstraintViolation) as caught:
        factory.request("FansNotification", {"fans": [{"rpm": -1}]})
    assert caught.value.details == {"field": "fans[0].rpm"}
    assert MessageFactory16().request_type("FansNotification") is None


def test_an_application_replaces_a_class() -> None:
    """The same action with a field more, in place of the usual one."""
    factory = MessageFactory16()
    factory.register(AcmeBootRequest)
    booted = factory.request("BootNotification", {**BOOT, "bay": "7"})
    assert isinstance(booted, AcmeBootRequest)
    assert (booted.bay, booted.charge_point_vendor) == ("7", "Acme")
    assert factory.payload(booted) == {**BOOT, "bay": "7"}
    assert AcmeBootRequest.response is BootNotificationResponse
    assert BootNotificationRequest.action == "BootNotification"
    with pytest.raises(errors.FormationViolation):
        MessageFactory16().request("BootNotification", {**BOOT, "bay": "7"})


def test_only_complete_declarations_can_be_registered() -> None:
    """Without an action or a response a class is refused by name."""

    @request("Lonely", sent_by=CHARGE_POINT, profile="Acme")
    class LonelyRequest(Request):
        """Nobody answers."""

    for wrong in (LonelyRequest, Request, FansNotificationResponse, dict):
        with pytest.raises(ValueError, match=wrong.__name__):
            MessageFactory16().register(wrong)  # type: ignore[arg-type]


@pytest.mark.rule("J-16")
def test_unknown_properties_can_be_passed_over() -> None:
    """Strict by default; by choice a peer's extra properties are ignored, at any depth."""
    payload = {
        "connectorId": 1,
        "x": 1,
        "meterValue": [
            {
                "timestamp": "2024-06-03T12:00:00Z",
                "sampledValue": [{"value": "1", "y": {}}],
                "z": None,
            }
        ],
    }
    with pytest.raises(errors.FormationViolation):
        MessageFactory16().request("MeterValues", payload)
    tolerant = MessageFactory16(ignore_unknown=True)
    told = tolerant.request("MeterValues", payload)
    assert told.meter_value[0].sampled_value[0].value == "1"
    assert tolerant.response("Heartbeat", {"currentTime": "2024-06-03T12:00:00Z", "x": 1})
    for wrong in ({"x": 1}, {**payload, "meterValue": [1]}, {**payload, "meterValue": {}}, [1]):
        with pytest.raises(errors.CallRefused) as caught:
            tolerant.request("MeterValues", wrong)
        assert "known property" not in caught.value.description
