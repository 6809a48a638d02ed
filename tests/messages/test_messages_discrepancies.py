"""Where the documents of OCPP contradict each other: which side is taken, shown one by one.

Points that do not concern the form of messages (error code spellings, handshake, feature profile
table, lengths of other keys) are shown where they belong.
"""

from __future__ import annotations

from typing import Any

import pytest

from txocpp import errors
from txocpp.messages.v16 import MessageFactory16, UnitOfMeasure

FACTORY = MessageFactory16()
TIME = "2024-06-03T12:00:00Z"


def refused(action: str, payload: dict[str, Any], *, response: bool = False) -> str:
    """The code with which a payload is refused."""
    with pytest.raises(errors.CallRefused) as caught:
        (FACTORY.response if response else FACTORY.request)(action, payload)
    return caught.value.code


def metered(**sampled: str) -> dict[str, Any]:
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": TIME, "sampledValue": [{"value": "21", **sampled}]}],
    }


def test_d01_both_spellings_of_celsius() -> None:
    """Both are read and can be sent; `normalised` makes them one."""
    units = []
    for spelling in ("Celcius", "Celsius"):
        payload = metered(measurand="Temperature", unit=spelling)
        message = FACTORY.request("MeterValues", payload)
        assert FACTORY.payload(message) == payload
        units.append(message.meter_value[0].sampled_value[0].unit.normalised)
    assert units == [UnitOfMeasure.CELSIUS] * 2
    assert UnitOfMeasure.K.normalised is UnitOfMeasure.K


def test_d02_hertz_is_no_unit() -> None:
    """A frequency comes without a unit."""
    FACTORY.request("MeterValues", metered(measurand="Frequency"))
    assert (
        refused("MeterValues", metered(measurand="Frequency", unit="Hertz"))
        == "PropertyConstraintViolation"
    )


def test_d03_at_least_one_meter_value() -> None:
    """MeterValues without values says nothing."""
    assert (
        refused("MeterValues", {"connectorId": 1, "meterValue": []})
        == "OccurenceConstraintViolation"
    )


def test_d04_the_reason_of_a_stop_is_optional() -> None:
    """Left out it means Local."""
    stop = {"meterStop": 1, "timestamp": TIME, "transactionId": 1}
    assert FACTORY.request("StopTransaction", stop).reason is None


def test_d05_intervals_and_retries_are_whole() -> None:
    """The oldest schemas allowed fractions."""
    boot = {"currentTime": TIME, "interval": 1.5, "status": "Accepted"}
    assert refused("BootNotification", boot, response=True) == "TypeConstraintViolation"
    update = {"location": "ftp://h/f", "retrieveDate": TIME, "retries": 1.5}
    assert refused("UpdateFirmware", update) == "TypeConstraintViolation"


def test_d06_expiry_date_of_list_entries() -> None:
    """It is spelled expiryDate and lies inside of idTagInfo."""
    entry = {"idTag": "TAG1", "idTagInfo": {"status": "Accepted", "expiryDate": TIME}}
    sent = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [entry]}
    FACTORY.request("SendLocalList", sent)
    entry["idTagInfo"] = {"status": "Accepted", "expireDate": TIME}
    assert refused("SendLocalList", sent) == "FormationViolation"


def test_d07_unknown_properties_are_nowhere_allowed() -> None:
    """Not in sampled values either, where some schemas forgot to say so."""
    assert refused("MeterValues", metered(colour="red")) == "FormationViolation"
    stop = {"meterStop": 1, "timestamp": TIME, "transactionId": 1}
    data = metered(colour="red")["meterValue"]
    assert refused("StopTransaction", {**stop, "transactionData": data}) == "FormationViolation"


def test_d10_triggers_for_connector_0() -> None:
    """The station itself can be asked for its status."""
    trigger = {"requestedMessage": "StatusNotification", "connectorId": 0}
    assert FACTORY.request("TriggerMessage", trigger).connector_id == 0
    assert FACTORY.request("ExtendedTriggerMessage", trigger).connector_id == 0


def test_d11_deleted_certificates_are_accepted() -> None:
    """Not Success, as the prose of the white paper says in one place."""
    FACTORY.response("DeleteCertificate", {"status": "Accepted"})
    assert (
        refused("DeleteCertificate", {"status": "Success"}, response=True)
        == "PropertyConstraintViolation"
    )


def test_d12_a_failed_upload_of_a_log() -> None:
    """UploadFailure here, UploadFailed with diagnostics."""
    FACTORY.request("LogStatusNotification", {"status": "UploadFailure", "requestId": 1})
    FACTORY.request("DiagnosticsStatusNotification", {"status": "UploadFailed"})
    assert (
        refused("LogStatusNotification", {"status": "UploadFailed"})
        == "PropertyConstraintViolation"
    )


def test_d14_the_name_of_get_installed_certificate_ids() -> None:
    """One of three spellings is the action."""
    known = [
        name
        for name in (
            "GetInstalledCertificateIds",
            "GetInstalledCertificateIDs",
            "GetInstalledCertificates",
        )
        if FACTORY.request_type(name)
    ]
    assert known == ["GetInstalledCertificateIds"]


def test_d15_d16_what_is_optional_in_the_security_messages() -> None:
    """As in the schemas, not as in the classes of other projects."""
    FACTORY.request("LogStatusNotification", {"status": "Idle"})
    FACTORY.request("SignedFirmwareStatusNotification", {"status": "Idle"})
    FACTORY.request("SecurityEventNotification", {"type": "Acme", "timestamp": TIME})
    FACTORY.request("SendLocalList", {"listVersion": 1, "updateType": "Full"})
    assert refused("SignCertificate", {"csr": "x", "certificateType": "y"}) == "FormationViolation"
    firmware = {"location": "x", "retrieveDateTime": TIME, "signature": "y"}
    assert (
        refused("SignedUpdateFirmware", {"requestId": 1, "firmware": firmware}) == "ProtocolError"
    )
    long_name = {"status": "Accepted", "filename": "x" * 256}
    assert refused("GetLog", long_name, response=True) == "PropertyConstraintViolation"


@pytest.mark.parametrize("limit", [0.1, 0.3, 0.7, 1.1, 16.1, 21.4, 32.3, 1380.5])
def test_d17_tenths_are_tenths(limit: float) -> None:
    """Decimal arithmetic: no valid limit is refused because of binary floats."""
    schedule = {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        "minChargingRate": limit,
    }
    answer = {"status": "Accepted", "chargingSchedule": schedule}
    message = FACTORY.response("GetCompositeSchedule", answer)
    assert str(message.charging_schedule.min_charging_rate) == str(limit)
    assert FACTORY.payload(message) == answer


def test_d18_the_interval_of_a_boot() -> None:
    """heartbeatInterval is a word of OCPP 1.5."""
    boot = {"currentTime": TIME, "heartbeatInterval": 300, "status": "Accepted"}
    assert refused("BootNotification", boot, response=True) == "ProtocolError"
