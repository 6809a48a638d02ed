"""Configuration keys: spelling, ranges, rights, and what stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from txocpp.chargepoint.configuration import ChangeResult, Configuration, canonical_value
from txocpp.chargepoint.installation import configure
from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.keys import EXTRA_KEYS, STANDARD_KEYS, Access
from txocpp.chargepoint.settings import StationSettings
from txocpp.errors import ConfigurationError
from txocpp.storage.memory import Fate, MemoryChargePointStore


def keys_of(store: MemoryChargePointStore | None = None, **more: Any) -> Configuration:
    """The standard keys on a store."""
    store = store or MemoryChargePointStore()
    saved = store.contents().get("configuration")
    return Configuration(STANDARD_KEYS, Journal(store, Clock()), saved=saved, **more)


def change(configuration: Configuration, name: str, value: str) -> ChangeResult:
    """What the central system is told when it changes a key."""
    results: list[ChangeResult] = []
    Deferred.fromCoroutine(configuration.change(name, value)).addCallback(results.append)
    return results[0]


def shown(configuration: Configuration, *names: str) -> dict[str, str | None]:
    """Names and values as reported."""
    return {report.name: report.value for report in configuration.report(names)[0]}


@pytest.mark.rule("K-01")
def test_all_keys_are_reported_when_none_is_named() -> None:
    """Every key that can be read is reported, with its value and whether it can be changed."""
    reports, unknown = keys_of().report()
    assert {r.name for r in reports} == {
        key.name for key in STANDARD_KEYS if key.access is not Access.WRITE_ONLY
    }
    assert not unknown
    readonly = {r.name for r in reports if r.readonly}
    assert {"NumberOfConnectors", "GetConfigurationMaxKeys"} <= readonly
    assert not {"HeartbeatInterval", "CpoName", "AuthorizeRemoteTxRequests"} & readonly


@pytest.mark.rule("K-01", "K-03")
def test_named_keys_are_found_in_any_spelling() -> None:
    """Known keys come in canonical spelling, unknown ones in the spelling of the question."""
    reports, unknown = keys_of().report(["hEARTBEATiNTERVAL", "HeartBeatRate"])
    assert [(r.name, r.value) for r in reports] == [("HeartbeatInterval", "300")]
    assert unknown == ["HeartBeatRate"]


@pytest.mark.rule("K-04", "K-08")
def test_a_change_is_effective_and_survives() -> None:
    """An accepted change counts at once, and again after a restart, over the file's value."""
    store = MemoryChargePointStore()
    configuration = keys_of(store)
    assert change(configuration, "heartbeatinterval", "20") is ChangeResult.ACCEPTED
    assert configuration.integer("HeartbeatInterval") == 20
    again = keys_of(store.survivor(), initial={"HeartbeatInterval": 900})
    assert again.integer("HeartbeatInterval") == 20


@pytest.mark.rule("K-04", "K-05")
@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("NoSuchKey", "1", ChangeResult.NOT_SUPPORTED),
        ("NumberOfConnectors", "2", ChangeResult.REJECTED),
        ("MeterValueSampleInterval", "-1", ChangeResult.REJECTED),
        ("MeterValueSampleInterval", "1.5", ChangeResult.REJECTED),
        ("MeterValueSampleInterval", "", ChangeResult.REJECTED),
        ("MeterValueSampleInterval", "9" * 30, ChangeResult.REJECTED),
        ("WebSocketPingInterval", "-1", ChangeResult.REJECTED),
        ("LocalPreAuthorize", "maybe", ChangeResult.REJECTED),
        ("MessageTimeout", "0", ChangeResult.REJECTED),
        ("MeterValuesSampledData", "a,,b", ChangeResult.REJECTED),
    ],
)
def test_what_cannot_be_is_refused(name: str, value: str, result: ChangeResult) -> None:
    """Unknown keys, fixed keys and impossible values each get their answer, and nothing changes."""
    configuration = keys_of()
    before = shown(configuration)
    assert change(configuration, name, value) is result
    assert shown(configuration) == before


@pytest.mark.rule("K-06")
def test_values_are_taken_in_any_case_and_kept_in_one() -> None:
    """Booleans in any case, numbers with zeros, lists with spaces: reported in canonical form."""
    configuration = keys_of()
    for name, value in [
        ("LocalPreAuthorize", " TRUE"),
        ("ResetRetries", "007"),
        ("StopTxnSampledData", "SoC , Voltage"),
    ]:
        assert change(configuration, name, value) is ChangeResult.ACCEPTED
    assert shown(configuration, "LocalPreAuthorize", "ResetRetries", "StopTxnSampledData") == {
        "LocalPreAuthorize": "true",
        "ResetRetries": "7",
        "StopTxnSampledData": "SoC,Voltage",
    }


@pytest.mark.rule("K-10")
def test_a_write_only_key_is_never_shown() -> None:
    """AuthorizationKey can be changed, but neither the list nor its name gives it away."""
    configuration = keys_of()
    assert change(configuration, "AuthorizationKey", "00" * 16) is ChangeResult.ACCEPTED
    assert configuration.text("AuthorizationKey") == "00" * 16
    assert "AuthorizationKey" not in shown(configuration)
    assert configuration.report(["AuthorizationKey"]) == ([], ["AuthorizationKey"])


@pytest.mark.rule("M-12")
def test_lists_have_a_length_and_rooms_have_a_say() -> None:
    """More items than the MaxLength key says, or an item that a room refuses: Rejected."""
    configuration = keys_of(initial={"MeterValuesSampledDataMaxLength": 2})
    three, two = "SoC,Voltage,Frequency", "SoC,Voltage"
    assert change(configuration, "MeterValuesSampledData", three) is ChangeResult.REJECTED
    configuration.check("MeterValuesSampledData", lambda value: "RPM" not in value)
    assert change(configuration, "MeterValuesSampledData", "RPM") is ChangeResult.REJECTED
    assert change(configuration, "MeterValuesSampledData", two) is ChangeResult.ACCEPTED


@pytest.mark.rule("K-07")
def test_rooms_hear_of_changes() -> None:
    """A listener is called when a value is different from before, and only then."""
    configuration = keys_of()
    heard: list[int] = []
    configuration.on_change(
        "heartbeatinterval", lambda: heard.append(configuration.integer("HeartbeatInterval"))
    )
    change(configuration, "HeartbeatInterval", "10")
    change(configuration, "HeartbeatInterval", "10")
    configuration.set_here("HeartbeatInterval", "30")
    assert heard == [10, 30]


@pytest.mark.rule("K-11")
def test_what_is_set_by_the_boot_is_not_written_down() -> None:
    """The interval of a BootNotification counts until the next one."""
    store = MemoryChargePointStore()
    keys_of(store).set_here("HeartbeatInterval", "30")
    assert store.contents() == {}


def test_every_initial_value_can_be_given() -> None:
    """The configuration file may set any key, read-only ones included, in TOML's own types."""
    configuration = keys_of(
        initial={
            "numberofconnectors": 3,
            "ReserveConnectorZeroSupported": False,
            "SupportedFeatureProfiles": ["Core", "Reservation"],
            "CpoName": "Stadtwerke",
        }
    )
    assert configuration.integer("NumberOfConnectors") == 3
    assert configuration.items("SupportedFeatureProfiles") == ("Core", "Reservation")
    assert shown(configuration, "ReserveConnectorZeroSupported", "CpoName") == {
        "ReserveConnectorZeroSupported": "false",
        "CpoName": "Stadtwerke",
    }


@pytest.mark.parametrize(
    ("initial", "words"),
    [
        ({"Heartbeat": 1}, "'Heartbeat' is no configuration key"),
        ({"HeartbeatInterval": -1}, "HeartbeatInterval cannot be -1: a whole number from 0"),
        ({"SupportedFeatureProfiles": "Smart"}, "a list of Core, Firmware"),
        ({"MeterValuesSampledData": "Curent.Import"}, "MeterValuesSampledData cannot be 'Curent"),
        ({"StopTxnSampledData": ["Voltage.L9"]}, "a list such as Energy.Active.Import.Register,"),
        ({"ConnectorPhaseRotation": "RST"}, "ConnectorPhaseRotation cannot be 'RST'.*0.RST,1.RST"),
    ],
)
def test_a_wrong_initial_value_is_named(initial: dict[str, object], words: str) -> None:
    """A mistake in the file is told with the key, the value and what is expected."""
    with pytest.raises(ConfigurationError, match=words):
        keys_of(initial=initial)


def test_keys_of_a_missing_profile_do_not_exist() -> None:
    """Without its feature profile a key is unknown."""
    configuration = keys_of(initial={"SupportedFeatureProfiles": "Core"})
    assert not configuration.has("LocalAuthListEnabled")
    assert change(configuration, "LocalAuthListEnabled", "true") is ChangeResult.NOT_SUPPORTED
    assert configuration.report(["MaxChargingProfilesInstalled"])[1]


def test_optional_keys_can_be_left_out() -> None:
    """A station without a feature leaves its key out; other keys cannot be left out."""
    configuration = keys_of(left_out=["authorizationcacheenabled"])
    assert not configuration.has("AuthorizationCacheEnabled")
    with pytest.raises(ConfigurationError, match="HeartbeatInterval"):
        keys_of(left_out=["HeartbeatInterval"])


@pytest.mark.rule("TX-18")
def test_hardware_can_fix_a_key() -> None:
    """A key that the hardware decides is read-only with that value, as long as it does."""
    configuration = keys_of()
    cable = ["false"]
    configuration.fix("UnlockConnectorOnEVSideDisconnect", lambda: cable[0] if cable else None)
    (report,) = configuration.report(["UnlockConnectorOnEVSideDisconnect"])[0]
    assert (report.readonly, report.value) == (True, "false")
    assert (
        change(configuration, "UnlockConnectorOnEVSideDisconnect", "true") is ChangeResult.REJECTED
    )
    cable.clear()
    assert configuration.boolean("UnlockConnectorOnEVSideDisconnect")


def test_nothing_is_promised_that_cannot_be_saved() -> None:
    """With a full disk a change is Rejected and the old value stays."""
    configuration = keys_of(MemoryChargePointStore(fate=lambda number: Fate.REFUSED))
    assert change(configuration, "HeartbeatInterval", "10") is ChangeResult.REJECTED
    assert configuration.integer("HeartbeatInterval") == 300


def test_a_saved_value_that_no_longer_fits_is_ignored() -> None:
    """After an update a value may be out of range or its key gone: the file's value counts."""
    journal = Journal(MemoryChargePointStore(), Clock())
    saved = {"MessageTimeout": {"value": "0"}, "Gone": {"value": "1"}}
    assert Configuration(STANDARD_KEYS, journal, saved=saved).integer("MessageTimeout") == 30


@given(st.sampled_from(STANDARD_KEYS + EXTRA_KEYS), st.text(max_size=30))
def test_canonical_form_is_stable(key: Any, value: str) -> None:
    """Whatever is accepted reads the same when it is set again."""
    canonical = canonical_value(key, value)
    assert canonical is None or canonical_value(key, canonical) == canonical


def test_initial_values_fit_their_keys() -> None:
    """Every key's own initial value is allowed and canonical."""
    for key in STANDARD_KEYS:
        assert key.initial is None or canonical_value(key, key.initial) == key.initial


@pytest.mark.parametrize("key", ["no hex digits", "0011"])
def test_an_initial_authorization_key_must_be_one(key: str) -> None:
    """A key from the file that can never be sent is found before the start, and not repeated."""
    initial: dict[str, object] = {"AuthorizationKey": key, "NumberOfConnectors": 1}
    settings = StationSettings(identity="CP1", vendor="v", model="m", configuration=initial)
    journal = Journal(MemoryChargePointStore(), Clock())
    with pytest.raises(ConfigurationError, match="16 to 20 bytes") as caught:
        configure(settings, [], journal)
    assert key not in str(caught.value)
