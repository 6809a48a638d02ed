"""Statuses of connectors, and what else stations tell."""

from __future__ import annotations

from datetime import timedelta

import pytest
from street import NOON, Street


def connector(street: Street, number: int = 1) -> object:
    """What is known of a connector."""
    station = street.station()
    found = street.ask(lambda records: records.stations.connectors([station.id]))
    return {record.connector: record for record in found}[number]


@pytest.mark.rule("Z-08", "S-10")
def test_a_late_status_does_not_overwrite_a_newer_one(street: Street) -> None:
    """The history has both."""
    cp = street.booted()
    cp.status("Charging", at=-10)
    cp.status("Preparing", at=-60)
    assert connector(street).status == "Charging"
    station = street.station()
    history = street.ask(lambda r: r.stations.status_history(station.id, before=None, limit=10))
    assert [record.status for _, record in history] == ["Preparing", "Charging"]


@pytest.mark.rule("Z-08")
def test_connectors_and_the_station_itself_are_kept_apart(street: Street) -> None:
    """0 is the station as a whole."""
    cp = street.booted()
    cp.status("Available", connector=0)
    cp.status("Faulted", connector=2, errorCode="GroundFailure", vendorErrorCode="E7")
    assert connector(street, 0).status == "Available"
    faulted = connector(street, 2)
    assert (faulted.error_code, faulted.vendor_error_code) == ("GroundFailure", "E7")


@pytest.mark.rule("S-10")
def test_a_status_without_time_counts_from_its_arrival(street: Street) -> None:
    """As the message says (§6.47)."""
    cp = street.booted()
    street.run(5)
    cp.status("Preparing")
    assert connector(street).changed_at == NOON + timedelta(seconds=5)


@pytest.mark.rule("Z-08")
def test_a_clock_that_runs_ahead_does_not_freeze_the_status(street: Street) -> None:
    """What follows with the right time is taken over."""
    cp = street.booted()
    cp.status("Charging", at=10 * 365 * 86400)
    street.run(5)
    cp.status("Available", at=5)
    assert connector(street).status == "Available"


@pytest.mark.rule("Z-08", "B-10")
def test_a_clock_that_was_set_back_does_not_hide_what_is_told_after_a_boot(street: Street) -> None:
    """The present status of all connectors follows each boot, whatever time the station has."""
    cp = street.booted()
    cp.status("Charging", at=0)
    street.run(600)
    cp.boot()
    years = -20 * 365 * 86400
    cp.status("Preparing", at=years + 60)
    assert connector(street).status == "Preparing"
    cp.status("Finishing", at=years)
    assert connector(street).status == "Preparing"
    cp.status("Available", at=years + 90)
    assert connector(street).status == "Available"


@pytest.mark.rule("S-21")
@pytest.mark.parametrize("code", ["ConnectorLockFailure", "EVCommunicationError", "WeakSignal"])
def test_every_error_code_is_taken(street: Street, code: str) -> None:
    """With any status."""
    cp = street.booted()
    cp.status("SuspendedEV", errorCode=code, info="see manual")
    assert connector(street).error_code == code


def notices(street: Street, kind: str) -> list:
    """What was kept of this kind, newest first."""
    station = street.station()
    found = street.ask(lambda r: r.notices.page(station_id=station.id, kind=kind))
    return [notice.document for notice in found]


@pytest.mark.rule("D-01", "D-02", "D-03")
def test_vendor_data_is_kept_and_the_vendor_is_unknown(street: Street) -> None:
    """No data in the answer."""
    cp = street.booted()
    told = {"vendorId": "org.example", "messageId": "x", "data": '{"a": 1}'}
    assert cp.say("DataTransfer", **told) == {"status": "UnknownVendorId"}
    assert notices(street, "DataTransfer") == [told]


def test_progress_of_updates_and_uploads_is_kept(street: Street) -> None:
    """The last one is shown with the station."""
    cp = street.booted()
    assert cp.say("FirmwareStatusNotification", status="Downloading") == {}
    assert cp.say("SignedFirmwareStatusNotification", status="Installed", requestId=3) == {}
    assert cp.say("DiagnosticsStatusNotification", status="Uploaded") == {}
    assert cp.say("LogStatusNotification", status="Uploading", requestId=4) == {}
    station = street.station()
    assert station.firmware_status == "Installed"
    assert station.diagnostics_status == "Uploaded"
    assert station.log_status == "Uploading"
    assert notices(street, "LogStatusNotification") == [{"status": "Uploading", "requestId": 4}]


@pytest.mark.rule("X-61")
def test_security_events_are_confirmed_and_kept_with_their_own_time(street: Street) -> None:
    """Those that were queued offline come late."""
    cp = street.booted()
    event = {"type": "TamperDetectionActivated", "timestamp": "2026-05-30T08:00:00Z"}
    assert cp.say("SecurityEventNotification", **event, techInfo="lid") == {}
    station = street.station()
    (notice,) = street.ask(
        lambda r: r.notices.page(station_id=station.id, kind="SecurityEventNotification")
    )
    assert notice.at == NOON - timedelta(days=2, hours=4)
    assert notice.document == {"type": "TamperDetectionActivated", "techInfo": "lid"}


@pytest.mark.rule("X-41")
def test_a_certificate_request_is_accepted_and_kept(street: Street) -> None:
    """Somebody has it signed and sends CertificateSigned."""
    cp = street.booted()
    assert cp.say("SignCertificate", csr="-----BEGIN") == {"status": "Accepted"}
    assert notices(street, "SignCertificate") == [{"csr": "-----BEGIN"}]


def test_listeners_hear_what_happens(street: Street) -> None:
    """In order, after it was stored."""
    cp = street.booted()
    cp.status("Preparing")
    number = cp.start()["transactionId"]
    cp.meter(60, number, 1500)
    cp.stop(number)
    assert [event.kind for event in street.events] == [
        "station.connected",
        "station.booted",
        "connector.status",
        "transaction.started",
        "meter.sampled",
        "transaction.stopped",
    ]
    assert {event.station for event in street.events} == {"CP1"}
