"""Messages on demand, vendor messages, configuration requests: what is asked over the wire."""

from __future__ import annotations

from typing import Any

import pytest
from house import House
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher

from txocpp.chargepoint.datatransfer import TransferAnswer, TransferStatus
from txocpp.messages import v16


def trigger(house: House, message: str, connector_id: int | None = None) -> str:
    """Ask for a message; gives the answer."""
    request = v16.TriggerMessageRequest(
        requested_message=v16.MessageTrigger(message), connector_id=connector_id
    )
    return house.status(request)


def quiet(connectors: int = 1, **more: Any) -> House:
    """A house that has told its first statuses."""
    house = House(connectors, **more)
    house.heard()
    return house


@pytest.mark.rule("T-01", "T-02", "T-05")
def test_a_heartbeat_on_demand() -> None:
    """Accepted first, then the message."""
    house = quiet()
    assert trigger(house, "Heartbeat") == "Accepted"
    assert house.heard() == ["Heartbeat"]
    frames = [p.frame[:2] for p in house.line.link.transcript[-3:]]
    assert frames == ["[3", "[2", "[3"]


@pytest.mark.rule("T-03", "T-09", "T-05")
def test_statuses_on_demand() -> None:
    """One connector, the station, or all of them, changed or not."""
    house = quiet(2)
    trigger(house, "StatusNotification", 1)
    assert house.heard() == ["Status 1 Available"]
    trigger(house, "StatusNotification", 0)
    assert house.heard() == ["Status 0 Available"]
    trigger(house, "StatusNotification")
    assert house.heard() == ["Status 0 Available", "Status 1 Available", "Status 2 Available"]


@pytest.mark.rule("T-06")
def test_a_message_by_chance_does_no_harm() -> None:
    """A status that changes while one is asked for is told as well; both say the same."""
    house = quiet()
    house.evse().plug_in()
    assert trigger(house, "StatusNotification", 1) == "Accepted"
    assert set(house.heard()) == {"Status 1 Preparing"}


@pytest.mark.rule("T-03", "M-16", "M-08")
def test_meter_values_on_demand() -> None:
    """The latest values of the sampled data, context Trigger, with the transaction if one runs."""
    house = House(2)
    house.charge(1)
    trigger(house, "MeterValues")
    assert house.heard() == ["Meter 1 Trigger of 1", "Meter 2 Trigger"]
    trigger(house, "MeterValues", 2)
    assert house.heard() == ["Meter 2 Trigger"]


@pytest.mark.rule("T-03")
def test_a_connector_that_does_not_matter_is_ignored() -> None:
    """A Heartbeat has no connector, whatever the request says."""
    assert trigger(quiet(), "Heartbeat", 77) == "Accepted"


@pytest.mark.rule("T-04")
@pytest.mark.parametrize("message", ["StatusNotification", "MeterValues"])
def test_a_connector_that_there_is_not(message: str) -> None:
    """Rejected."""
    assert trigger(quiet(), message, 2) == "Rejected"


@pytest.mark.rule("T-02", "J-22")
def test_a_station_without_the_feature() -> None:
    """Without profile RemoteTrigger nothing can be asked for: NotImplemented."""
    house = quiet(configuration={"SupportedFeatureProfiles": "Core"})
    assert trigger(house, "Heartbeat") == "NotImplemented"


@pytest.mark.rule("D-01", "D-02")
def test_vendor_messages_find_their_responder() -> None:
    """Unknown vendors and message ids are told apart; known ones get the vendor's answer."""
    house = House()
    house.station.on_data_transfer(
        "org.example", lambda message_id, data: f"{message_id}:{data}", ["hello"]
    )

    async def refuse(message_id: str | None, data: str | None) -> TransferAnswer:
        return TransferAnswer(TransferStatus.REJECTED)

    house.station.on_data_transfer("org.other", refuse)
    ask = v16.DataTransferRequest
    answer = house.ask(ask(vendor_id="org.EXAMPLE", message_id="hello", data="x"))
    assert (answer.status, answer.data) == ("Accepted", "hello:x")
    unknown = house.ask(ask(vendor_id="org.example", message_id="bye"))
    assert (unknown.status, unknown.data) == ("UnknownMessageId", None)
    assert house.ask(ask(vendor_id="org.other")).status == "Rejected"
    nobody = house.ask(ask(vendor_id="com.nobody", data="x"))
    assert (nobody.status, nobody.data) == ("UnknownVendorId", None)


@pytest.mark.rule("D-01", "D-03")
def test_an_application_sends_vendor_messages() -> None:
    """Any request can be sent while the charge point is up."""
    house = House()
    answers: list[Any] = []
    request = v16.DataTransferRequest(vendor_id="org.example", data='{"a": 1}')
    house.station.call(request).addCallback(answers.append)
    house.run(0)
    assert answers[0].status == "Accepted"


@pytest.mark.rule("K-01", "K-02")
def test_keys_over_the_wire() -> None:
    """All keys, named keys, and not more names than GetConfigurationMaxKeys."""
    house = House(2, configuration={"GetConfigurationMaxKeys": 3})
    everything = house.ask(v16.GetConfigurationRequest())
    assert len(everything.configuration_key) > 40
    assert everything.unknown_key is None
    some = house.ask(v16.GetConfigurationRequest(key=("NUMBEROFCONNECTORS", "Nonsense")))
    assert [(k.key, k.readonly, k.value) for k in some.configuration_key] == [
        ("NumberOfConnectors", True, "2")
    ]
    assert some.unknown_key == ("Nonsense",)
    many = house.ask(v16.GetConfigurationRequest(key=("a", "b", "c", "d")))
    assert many == "OccurenceConstraintViolation"


@pytest.mark.rule("K-04", "K-05", "K-08")
def test_changes_over_the_wire() -> None:
    """Each kind of change has its answer, and accepted ones survive a power cut."""
    house = House()
    assert house.set_key("ConnectionTimeOut", 77) == "Accepted"
    assert house.set_key("Nonsense", 1) == "NotSupported"
    assert house.set_key("NumberOfConnectors", 1) == "Rejected"
    assert house.set_key("MeterValueSampleInterval", -1) == "Rejected"
    house.power_cut()
    assert house.assembly.configuration.integer("ConnectionTimeOut") == 77


@pytest.mark.rule("M-12")
def test_measurands_that_the_device_lacks_are_rejected() -> None:
    """A list with something that cannot be measured changes nothing."""
    house = House(car={"phases": 1})
    for key in ("MeterValuesSampledData", "StopTxnAlignedData"):
        assert house.set_key(key, "Voltage.L1-N,SoC") == "Accepted"
        assert house.set_key(key, "Voltage.L2-N") == "Rejected"
        assert house.set_key(key, "RPM") == "Rejected"
        assert house.assembly.configuration.text(key) == "Voltage.L1-N,SoC"


def test_a_phase_rotation_names_connectors_and_orders() -> None:
    """Each item is a connector of this station, or 0, with one of the known orders."""
    house = House(2)
    assert house.set_key("ConnectorPhaseRotation", "0.RST, 1.RST, 2.RTS") == "Accepted"
    for wrong in ("3.RST", "1.ABC", "x.RST", "RST"):
        assert house.set_key("ConnectorPhaseRotation", wrong) == "Rejected"


@pytest.mark.parametrize("can", [True, False])
def test_switching_phases_is_told_as_the_hardware_has_it(can: bool) -> None:
    """ConnectorSwitch3to1PhaseSupported follows the device, unless the file says otherwise."""
    house = House(car={"can_switch_phases": can})
    key = "ConnectorSwitch3to1PhaseSupported"
    assert house.assembly.configuration.boolean(key) is can
    told = House(car={"can_switch_phases": can}, configuration={key: not can})
    assert told.assembly.configuration.boolean(key) is not can


@pytest.mark.rule("TX-18")
def test_a_fixed_cable_fixes_its_key() -> None:
    """With fixed cables UnlockConnectorOnEVSideDisconnect is false and cannot be changed."""
    key = "UnlockConnectorOnEVSideDisconnect"
    assert House().set_key(key, "true") == "Rejected"
    assert House(car={"lock": True}).set_key(key, "false") == "Accepted"


@pytest.mark.rule("C-10")
def test_a_ping_interval_reaches_the_line() -> None:
    """WebSocketPingInterval counts at once."""
    house = House(configuration={"WebSocketPingInterval": 20})
    assert house.line.settings.ping_interval_s == 20
    assert house.set_key("WebSocketPingInterval", 5) == "Accepted"
    assert house.line.changes == {"ping_interval_s": 5.0}
    assert house.set_key("WebSocketPingInterval", -1) == "Rejected"


@pytest.mark.rule("C-12")
def test_a_ping_interval_that_is_too_long_is_noticed() -> None:
    """The log warns when a dead line could eat a message with all its attempts."""
    warnings: list[Any] = []
    globalLogPublisher.addObserver(warnings.append)
    try:
        house = House(configuration={"WebSocketPingInterval": 179})
        house.set_key("TransactionMessageRetryInterval", 50)
    finally:
        globalLogPublisher.removeObserver(warnings.append)
    assert [event["retry_s"] for event in warnings if "retry_s" in event] == [150]


@pytest.mark.rule("X-11", "X-12", "K-10")
def test_a_new_key_makes_a_new_connection() -> None:
    """After the answer the charge point connects with the new password, also after a restart."""
    house = House()
    assert house.set_key("AuthorizationKey", "ZZ" * 16) == "Rejected"
    assert house.set_key("AuthorizationKey", "00" * 15) == "Rejected"
    assert house.set_key("AuthorizationKey", "0A" * 16) == "Accepted"
    house.run(1)
    assert house.line.changes == {"password": b"\n" * 16}
    assert len(house.line.reconnects) == 1
    house.power_cut()
    assert house.line.settings.password == b"\n" * 16


@pytest.mark.rule("X-12")
def test_a_new_key_waits_for_the_answers_that_are_due() -> None:
    """The connection is not closed under a central system that is about to answer."""
    house = House()
    slow: Deferred[Any] = Deferred()
    house.central.answer = lambda request: (
        slow if isinstance(request, v16.HeartbeatRequest) else None
    )
    house.ask(v16.TriggerMessageRequest(requested_message=v16.MessageTrigger.HEARTBEAT))
    assert house.set_key("AuthorizationKey", "0A" * 16) == "Accepted"
    house.run(3)
    assert house.line.reconnects == []
    slow.callback(v16.HeartbeatResponse(current_time=house.central.now()))
    house.run(1)
    assert len(house.line.reconnects) == 1


@pytest.mark.rule("J-22")
def test_features_that_are_not_there() -> None:
    """Known requests of a missing feature get NotSupported, unknown actions NotImplemented."""
    house = House(configuration={"SupportedFeatureProfiles": "Core"})
    request = v16.GetCompositeScheduleRequest(connector_id=1, duration=10)
    assert house.ask(request) == "NotSupported"
    failures: list[Any] = []
    house.central.peer.call_raw("Nonsense", {}).addErrback(failures.append)
    house.run(0)
    assert failures[0].value.code == "NotImplemented"
