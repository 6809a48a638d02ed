"""Security profiles, and the events of a line that does not come about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from upkeep_rig import Signer, Works, install

from txocpp.chargepoint.datatransfer import TransferAnswer, TransferStatus
from txocpp.messages import v16
from txocpp.transport.status import ConnectionStatus, Phase, Problem
from txocpp.transport.tls import ClientCertificates

KEY = "00112233445566778899AABBCCDDEEFF"
NEW_KEY = "FF112233445566778899AABBCCDDEEFF"
ROOT = Signer("Central root", organisation="Operator")
URL = "ws://central.test:9000/ocpp"


def station(folder: Path, url: str | None = URL, **security: Any) -> Works:
    keys = {"CpoName": "Operator"} if security.get("enabled", True) else {}
    works = Works(folder, configuration=keys, security={"url": url, **security})
    line_says(works, Phase.CONNECTED)
    return works


@pytest.fixture
def works(tmp_path: Path) -> Works:
    """Without anything: security profile 0, connected."""
    return station(tmp_path)


def line_says(
    works: Works, phase: Phase, problem: Problem | None = None, reason: str = "so"
) -> None:
    works.house.line.on_status(  # type: ignore[attr-defined]
        ConnectionStatus(phase=phase, since=0, problem=problem, reason=reason)
    )
    works.house.run(0)


def attempt_fails(
    works: Works, problem: Problem = Problem.NETWORK, reason: str = "no route"
) -> None:
    line_says(works, Phase.CONNECTING)
    line_says(works, Phase.WAITING, problem, reason)


def reconnected(works: Works) -> None:
    """The old connection ends, the new one comes about."""
    line_says(works, Phase.WAITING, Problem.NETWORK, "closed by us")
    line_says(works, Phase.CONNECTING)
    line_says(works, Phase.CONNECTED)


def raise_to(works: Works, profile: int) -> str:
    answer = works.house.set_key("SecurityProfile", profile)
    works.house.run(10)
    return answer


def profile(works: Works) -> int:
    """As the central system sees it."""
    answer = works.house.ask(v16.GetConfigurationRequest(key=("SecurityProfile",)))
    return int(answer.configuration_key[0].value)


def changes(works: Works) -> dict[str, Any]:
    """What the line was told to use from the next connection on."""
    return works.house.line.changes


def certify(works: Works) -> None:
    """The charge point gets a certificate of its own."""
    message = v16.MessageTriggerEnumType.SIGN_CHARGE_POINT_CERTIFICATE
    works.house.ask(v16.ExtendedTriggerMessageRequest(requested_message=message))
    works.house.run(0)
    csr = works.house.last(v16.SignCertificateRequest).csr
    pem = ROOT.certify(csr)
    assert works.house.status(v16.CertificateSignedRequest(certificate_chain=pem)) == "Accepted"


@pytest.mark.rule("X-30")
def test_each_profile_needs_something(works: Works) -> None:
    """1 a key, 2 a key and a root, 3 a root and a certificate of our own; otherwise nothing
    changes."""
    assert [raise_to(works, n) for n in (1, 2, 3)] == ["Rejected"] * 3
    works.house.set_key("AuthorizationKey", KEY)
    assert [raise_to(works, n) for n in (2, 3)] == ["Rejected"] * 2
    assert raise_to(works, 1) == "Accepted"
    install(works.house, ROOT)
    assert raise_to(works, 3) == "Rejected"
    assert raise_to(works, 2) == "Accepted"
    certify(works)
    assert raise_to(works, 3) == "Accepted"
    assert profile(works) == 3


@pytest.mark.rule("X-30", "X-03")
def test_a_profile_is_never_lowered(works: Works) -> None:
    """Nor set to what it is; not by a vendor's message either."""
    works.house.set_key("AuthorizationKey", KEY)
    install(works.house, ROOT)
    assert raise_to(works, 2) == "Accepted"
    assert [raise_to(works, n) for n in (0, 1, 2, 4, -1)] == ["Rejected"] * 5
    told: list[str | None] = []
    works.house.station.on_data_transfer(
        "org.example", lambda message_id, data: told.append(data) or TransferAnswer()
    )
    request = v16.DataTransferRequest(vendor_id="org.example", data="SecurityProfile=0")
    assert works.house.status(request) == TransferStatus.ACCEPTED.value
    assert (told, profile(works)) == (["SecurityProfile=0"], 2)


@pytest.mark.rule("X-31", "X-01", "X-02")
def test_a_higher_profile_makes_another_connection(works: Works) -> None:
    """By TLS where the profile demands it, with a root and with what the charge point has to
    show."""
    works.house.set_key("AuthorizationKey", KEY)
    install(works.house, ROOT)
    works.house.run(10)
    before = len(works.house.line.reconnects)
    assert changes(works)["url"] == URL
    raise_to(works, 2)
    assert len(works.house.line.reconnects) == before + 1
    assert changes(works)["url"] == "wss://central.test:9000/ocpp"
    assert changes(works)["password"] == bytes.fromhex(KEY)
    assert changes(works)["certificates"] == ClientCertificates(more_roots=(ROOT.pem,))
    certify(works)
    raise_to(works, 3)
    assert changes(works)["password"] is None
    pair = works.house.assembly.upkeep.own_certificates.current()
    assert pair is not None
    assert changes(works)["certificates"].certificate == pair.chain
    works.house.power_cut()
    settings = works.house.line.settings
    assert (settings.url, settings.password) == ("wss://central.test:9000/ocpp", None)
    assert settings.certificates == changes(works).get("certificates", settings.certificates)


@pytest.mark.rule("X-04", "X-31")
def test_a_profile_may_have_an_address_of_its_own(tmp_path: Path) -> None:
    """Another host or port."""
    works = station(tmp_path, urls={2: "wss://secure.test/ocpp"})
    works.house.set_key("AuthorizationKey", KEY)
    install(works.house, ROOT)
    raise_to(works, 2)
    assert changes(works)["url"] == "wss://secure.test/ocpp"


@pytest.mark.rule("X-30")
def test_who_does_not_know_the_address_cannot_go_there(tmp_path: Path) -> None:
    """A program that makes its own lines keeps them as they are; only a key is passed on."""
    works = station(tmp_path, url=None)
    works.house.set_key("AuthorizationKey", KEY)
    install(works.house, ROOT)
    assert raise_to(works, 2) == "Rejected"
    assert raise_to(works, 1) == "Accepted"
    assert changes(works) == {"password": bytes.fromhex(KEY)}


@pytest.mark.rule("X-01", "X-30")
@pytest.mark.parametrize(
    ("url", "password", "certificate", "number"),
    [
        ("ws://c.test/", None, False, 0),
        ("ws://c.test/", b"secret", False, 1),
        ("wss://c.test/", b"secret", False, 2),
        ("wss://c.test/", b"secret", True, 2),
        ("wss://c.test/", None, True, 3),
        ("wss://c.test/", None, False, 0),
        (None, b"secret", False, 1),
    ],
)
def test_the_profile_is_what_the_operator_has_set_up(
    tmp_path: Path, url: str | None, password: bytes | None, certificate: bool, number: int
) -> None:
    """Unless a value for SecurityProfile says otherwise."""
    files = {"certificate": tmp_path / "cp.pem", "private_key": tmp_path / "cp.key"}
    given = ClientCertificates(**(files if certificate else {}))
    works = station(tmp_path, url, password=password, certificates=given)
    assert profile(works) == number


@pytest.mark.rule("X-30")
def test_what_the_operator_has_set_up_counts(tmp_path: Path) -> None:
    """Password, roots and certificate from files are as good as those that came over OCPP, and
    what was set over OCPP wins."""
    files = {name: tmp_path / name for name in ("trust_roots", "certificate", "private_key")}
    works = station(tmp_path, password=b"secret", certificates=ClientCertificates(**files))
    assert profile(works) == 1
    assert raise_to(works, 2) == "Accepted"
    assert (changes(works)["password"], profile(works)) == (b"secret", 2)
    assert raise_to(works, 3) == "Accepted"
    assert changes(works)["certificates"].certificate == tmp_path / "certificate"


@pytest.mark.rule("X-32")
def test_a_profile_that_does_not_work_is_given_up(works: Works) -> None:
    """After three failed attempts the former one is back, over a power cut as well."""
    works.house.set_key("AuthorizationKey", KEY)
    install(works.house, ROOT)
    raise_to(works, 1)
    reconnected(works)
    raise_to(works, 2)
    line_says(works, Phase.WAITING, Problem.NETWORK, "closed by us")
    attempt_fails(works)
    attempt_fails(works, Problem.CERTIFICATE)
    assert profile(works) == 2
    attempt_fails(works)
    assert profile(works) == 1
    assert changes(works)["url"] == URL
    works.house.power_cut()
    assert profile(works) == 1
    words = [info for event, info in works.events() if event.startswith("Reconf")]
    assert words[-2:] == ["SecurityProfile is 2", "SecurityProfile is 1"]
    assert raise_to(works, 2) == "Accepted"


@pytest.mark.rule("X-32")
def test_a_power_cut_does_not_spare_the_proof(works: Works) -> None:
    """What has never worked is given up after it, too."""
    works.house.set_key("AuthorizationKey", KEY)
    raise_to(works, 1)
    works.house.power_cut()
    assert profile(works) == 1
    for _ in range(3):
        attempt_fails(works)
    assert profile(works) == 0


@pytest.mark.rule("X-32")
def test_a_profile_that_has_worked_stays(works: Works) -> None:
    """However long the line is down afterwards."""
    works.house.set_key("AuthorizationKey", KEY)
    raise_to(works, 1)
    reconnected(works)
    for _ in range(20):
        attempt_fails(works)
    works.house.power_cut()
    for _ in range(20):
        attempt_fails(works)
    assert profile(works) == 1


@pytest.mark.rule("X-11", "X-12", "X-14")
@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (KEY, "Accepted"),
        ("ab" * 19, "Accepted"),
        ("AB" * 20, "Accepted"),
        ("AB" * 15, "Rejected"),
        ("AB" * 21, "Rejected"),
        ("A" * 33, "Rejected"),
        ("XY" * 16, "Rejected"),
        ("AB " * 16, "Rejected"),
        ("", "Rejected"),
    ],
)
def test_a_key_has_16_to_20_bytes(works: Works, key: str, answer: str) -> None:
    """In hexadecimal; a change is in the security log, the key is not."""
    assert works.house.set_key("AuthorizationKey", key) == answer
    works.house.run(10)
    noted = ("ReconfigurationOfSecurityParameters", "AuthorizationKey changed")
    assert (noted in works.events()) is (answer == "Accepted")
    log = works.house.assembly.upkeep.events
    assert all(key not in str(entry) for entry in log.entries() if key)


@pytest.mark.rule("X-63", "X-21", "X-22", "X-24")
@pytest.mark.parametrize(
    ("problem", "reason", "event"),
    [
        (Problem.CREDENTIALS, "the server answered 401", "FailedToAuthenticateAtCentralSystem"),
        (Problem.CERTIFICATE, "TLS: certificate verify failed", "InvalidCentralSystemCertificate"),
        (Problem.TLS, "TLS: tlsv1 alert protocol version", "InvalidTLSVersion"),
        (Problem.TLS, "TLS: unsupported protocol", "InvalidTLSVersion"),
        (Problem.TLS, "TLS: sslv3 alert handshake failure", "InvalidTLSCipherSuite"),
        (Problem.TLS, "TLS: no shared cipher", "InvalidTLSCipherSuite"),
        (Problem.TLS, "TLS: wrong version number", None),
        (Problem.NETWORK, "no route", None),
    ],
)
def test_failed_connections_are_events(
    works: Works, problem: Problem, reason: str, event: str | None
) -> None:
    """Once for each kind, until a connection has come about."""
    for _ in range(50):
        attempt_fails(works, problem, reason)
    line_says(works, Phase.CONNECTED)
    attempt_fails(works, problem, reason)
    told = [pair for pair in works.events() if pair[0] != "StartupOfTheDevice"]
    assert told == ([] if event is None else [(event, reason)])
    works.house.run(60)
    line_says(works, Phase.CONNECTED)
    attempt_fails(works, problem, reason)
    assert len(works.events()) == 1 + (0 if event is None else 2)


@pytest.mark.rule("J-22")
def test_without_the_extensions_there_are_no_profiles(tmp_path: Path) -> None:
    """Nor the other keys of the white paper; but a key for HTTP Basic belongs to OCPP-J."""
    works = station(tmp_path, enabled=False)
    for key, value in (("SecurityProfile", 1), ("CpoName", "Operator")):
        assert works.house.set_key(key, value) == "NotSupported"
    assert works.house.set_key("AuthorizationKey", NEW_KEY) == "Accepted"
    works.house.run(10)
    assert changes(works)["password"] == bytes.fromhex(NEW_KEY)
    assert install(works.house, ROOT) == "NotSupported"
