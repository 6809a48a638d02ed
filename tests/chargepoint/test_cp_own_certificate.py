"""The charge point's own key and certificate."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from house import NOON, sequence
from upkeep_rig import Signer, Works, install

from txocpp.errors import InternalError
from txocpp.messages import v16
from txocpp.transport.status import ConnectionStatus, Phase, Problem

ROOT = Signer("Stations", organisation="Operator")
TRIGGER = v16.ExtendedTriggerMessageRequest(
    requested_message=v16.MessageTriggerEnumType.SIGN_CHARGE_POINT_CERTIFICATE
)
URL = "wss://central.test/ocpp"
DAY = 86_400


@pytest.fixture
def works(tmp_path: Path) -> Works:
    """It knows its operator."""
    return station(tmp_path)


def station(folder: Path, **keys: object) -> Works:
    return Works(
        folder,
        configuration={"CpoName": "Operator", **keys},
        security={"url": URL},
        settings={"serial_number": "SN-0815"},
    )


def asked(works: Works) -> str:
    """The request for a certificate after a trigger."""
    assert works.house.status(TRIGGER) == "Accepted"
    works.house.run(0)
    csr: str = works.house.last(v16.SignCertificateRequest).csr
    return csr


def give(works: Works, chain: str) -> str:
    """What is answered to a CertificateSigned."""
    return works.house.status(v16.CertificateSignedRequest(certificate_chain=chain))


def certified(works: Works, **changes: Any) -> None:
    """It gets a certificate."""
    wanted = {"begin": works_now(works), **changes}
    assert give(works, ROOT.certify(asked(works), **wanted)) == "Accepted"


def works_now(works: Works) -> Any:
    return works.house.assembly.clock.now()


def shown(works: Works) -> x509.Certificate | None:
    """The certificate that is shown to the central system from the next connection on."""
    given = works.house.assembly.upkeep.line_security.wire()["certificates"].certificate
    return None if given is None else x509.load_pem_x509_certificate(given.read_bytes())


def keys_of(works: Works) -> list[Path]:
    return sorted((works.folder / "certificates").glob("*.key"))


def line_says(works: Works, phase: Phase, problem: Problem | None = None) -> None:
    works.house.line.on_status(  # type: ignore[attr-defined]
        ConnectionStatus(phase=phase, since=0, problem=problem, reason="so")
    )
    works.house.run(0)


def attempts_fail(works: Works, times: int = 3) -> None:
    for _ in range(times):
        line_says(works, Phase.CONNECTING)
        line_says(works, Phase.WAITING, Problem.NETWORK)


@pytest.mark.rule("X-40", "X-26", "X-79")
def test_a_request_names_operator_and_station(works: Works) -> None:
    """Signed with a strong key that has just been made, each time another one."""
    texts = [asked(works), asked(works)]
    requests = [x509.load_pem_x509_csr(text.encode()) for text in texts]
    for request in requests:
        assert request.is_signature_valid
        names = {part.oid: part.value for part in request.subject}
        assert names == {NameOID.ORGANIZATION_NAME: "Operator", NameOID.COMMON_NAME: "SN-0815"}
        assert isinstance(request.signature_hash_algorithm, hashes.SHA256)
        key = request.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.key_size >= 224
    assert requests[0].public_key() != requests[1].public_key()


@pytest.mark.rule("X-40")
def test_without_an_operator_there_is_no_request(tmp_path: Path) -> None:
    """CpoName is what a certificate is made out to."""
    works = station(tmp_path, CpoName="")
    assert works.house.status(TRIGGER) == "Rejected"
    assert works.house.set_key("CpoName", "Operator") == "Accepted"
    asked(works)


@pytest.mark.rule("X-44")
def test_the_private_key_stays_with_us(works: Works) -> None:
    """In a file for nobody else, in a folder for nobody else, and in no message."""
    text = asked(works)
    (key,) = keys_of(works)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert "PRIVATE" not in text
    assert "BEGIN PRIVATE KEY" in key.read_text()


@pytest.mark.rule("X-42", "X-43")
@pytest.mark.parametrize("chain", ["alone", "with root", "with one between"])
def test_a_good_certificate_is_taken(works: Works, chain: str) -> None:
    """It is shown from the next connection on, if the security profile asks for one."""
    between = Signer("Stations of this year", ROOT, organisation="Operator")
    signer = between if chain == "with one between" else ROOT
    pem = signer.certify(asked(works))
    above = {"alone": "", "with root": ROOT.pem, "with one between": between.pem + ROOT.pem}
    install(works.house, ROOT)
    assert give(works, pem + above[chain]) == "Accepted"
    pair = works.house.assembly.upkeep.own_certificates.current()
    assert pair is not None
    assert pair.certificate == x509.load_pem_x509_certificate(pem.encode())
    assert ("ReconfigurationOfSecurityParameters", "a new certificate of the charge point") in (
        works.events()
    )


def bad_certificates() -> dict[str, dict[str, Any]]:
    """What may be wrong."""
    return {
        "another operator": {"organisation": "Somebody else"},
        "another station": {"name": "SN-4711"},
        "expired": {"begin": NOON - timedelta(days=9), "days": 8},
        "another key": {"public_key": ec.generate_private_key(ec.SECP256R1()).public_key()},
        "a weak hash": {"digest": hashes.SHA224()},
    }


@pytest.mark.rule("X-42", "X-26")
@pytest.mark.parametrize("bad", bad_certificates().items(), ids=lambda pair: str(pair[0]))
def test_a_bad_certificate_is_rejected(works: Works, bad: tuple[str, dict[str, Any]]) -> None:
    """With an event, and a good one may still come."""
    csr = asked(works)
    assert give(works, ROOT.certify(csr, **bad[1])) == "Rejected"
    assert works.events()[-1][0] == "InvalidChargePointCertificate"
    assert give(works, ROOT.certify(csr)) == "Accepted"


@pytest.mark.rule("X-42")
@pytest.mark.parametrize("flaw", ["forged", "gap", "clerk", "known root", "no PEM"])
def test_a_chain_has_to_hold_together(works: Works, flaw: str) -> None:
    """Each link signed by the next, which has to be an authority, up to the end or a known root."""
    csr = asked(works)
    other = Signer("Stations", organisation="Operator")
    clerk = Signer("Clerk", ROOT, authority=False, organisation="Operator")
    if flaw == "known root":
        install(works.house, ROOT)
    chains = {
        "forged": other.certify(csr) + ROOT.pem,
        "gap": Signer("Below", ROOT).certify(csr) + ROOT.pem,
        "clerk": clerk.certify(csr) + clerk.pem + ROOT.pem,
        "known root": other.certify(csr),
        "no PEM": "certificate",
    }
    assert give(works, chains[flaw]) == "Rejected"


@pytest.mark.rule("X-45")
def test_a_chain_can_be_too_long(tmp_path: Path) -> None:
    """CertificateSignedMaxChainSize counts characters."""
    works = station(tmp_path, CertificateSignedMaxChainSize=1000)
    csr = asked(works)
    pem = ROOT.certify(csr)
    assert len(pem) < 1000
    assert give(works, pem + ROOT.pem) == "Rejected"
    assert give(works, pem) == "Accepted"


@pytest.mark.rule("X-44")
def test_requests_survive_a_power_cut(works: Works) -> None:
    """The key is there when its certificate comes, and goes with the others when one has come."""
    csr = asked(works)
    works.house.power_cut()
    for _ in range(6):
        newest = asked(works)
    assert give(works, ROOT.certify(csr)) == "Rejected"
    assert len(keys_of(works)) == 4
    assert give(works, ROOT.certify(newest)) == "Accepted"
    assert len(keys_of(works)) == 1


def raised(works: Works) -> None:
    """With a certificate, and with security profile 3 in force and proven."""
    install(works.house, ROOT)
    certified(works)
    assert works.house.set_key("SecurityProfile", 3) == "Accepted"
    works.house.run(10)
    line_says(works, Phase.CONNECTED)


@pytest.mark.rule("X-42", "X-43")
def test_a_new_certificate_makes_a_new_connection(works: Works) -> None:
    """Where it is shown; the newest counts, and the old one is kept for a month."""
    raised(works)
    before = len(works.house.line.reconnects)
    first = shown(works)
    works.house.run(60)
    certified(works)
    works.house.run(10)
    assert len(works.house.line.reconnects) == before + 1
    assert shown(works) != first
    assert len(keys_of(works)) == 2
    line_says(works, Phase.CONNECTED)
    works.house.run(31 * DAY)
    certified(works)
    works.house.run(10)
    assert len(keys_of(works)) == 2


@pytest.mark.rule("X-42")
def test_a_certificate_waits_for_its_time(works: Works) -> None:
    """It is shown when its validity begins, after a restart as well."""
    raised(works)
    first = shown(works)
    certified(works, begin=works_now(works) + timedelta(days=3))
    works.house.run(2 * DAY)
    works.house.power_cut()
    works.house.run(5)
    line_says(works, Phase.CONNECTED)
    assert shown(works) == first
    before = len(works.house.line.reconnects)
    works.house.run(DAY + 10)
    assert len(works.house.line.reconnects) == before + 1
    assert shown(works) != first


@pytest.mark.rule("X-42", "X-32")
def test_a_certificate_that_does_not_work_is_given_up(works: Works) -> None:
    """After three attempts the former one is shown again, and an event says so."""
    raised(works)
    first = shown(works)
    works.house.run(60)
    certified(works)
    works.house.run(10)
    attempts_fail(works, 2)
    assert shown(works) != first
    attempts_fail(works, 1)
    assert shown(works) == first
    line_says(works, Phase.CONNECTED)
    assert ("InvalidChargePointCertificate", "no connection comes about with it") in works.events()
    attempts_fail(works, 10)
    assert shown(works) == first


@pytest.mark.rule("X-40")
def test_a_certificate_is_renewed_in_its_last_month(works: Works) -> None:
    """Without being asked; every day, until there is a new one."""
    certified(works, days=40)
    requests = len(works.house.all(v16.SignCertificateRequest))
    works.house.run(9 * DAY)
    assert len(works.house.all(v16.SignCertificateRequest)) == requests
    works.house.central.answer = sequence([])
    works.house.run(3 * DAY)
    assert len(works.house.all(v16.SignCertificateRequest)) >= requests + 2
    csr = works.house.last(v16.SignCertificateRequest).csr
    assert give(works, ROOT.certify(csr, begin=works_now(works))) == "Accepted"
    requests = len(works.house.all(v16.SignCertificateRequest))
    works.house.run(3 * DAY)
    assert len(works.house.all(v16.SignCertificateRequest)) == requests


@pytest.mark.rule("X-40")
@pytest.mark.parametrize("answer", ["Rejected", "error"])
def test_a_central_system_may_not_want_to(works: Works, answer: str) -> None:
    """Then there is no certificate, and nothing else happens."""

    def refuse(request: Any) -> Any:
        if not isinstance(request, v16.SignCertificateRequest):
            return None
        if answer == "error":
            raise InternalError
        return v16.SignCertificateResponse(status=v16.GenericStatusEnumType.REJECTED)

    works.house.central.answer = refuse
    asked(works)
    assert works.house.assembly.upkeep.own_certificates.current() is None


def test_strange_files_are_no_certificates(works: Works) -> None:
    """Somebody has put them there."""
    folder = works.folder / "certificates"
    folder.mkdir()
    for name in ("a.pem", "a.key", "b.key"):
        (folder / name).write_text("nonsense")
    (folder / "c.pem").write_text(ROOT.pem)
    certified(works)
    pair = works.house.assembly.upkeep.own_certificates.current()
    assert pair is not None
    assert pair.name.startswith("chargepoint-")


def test_a_full_disk_is_told(works: Works, tmp_path: Path) -> None:
    """Here a folder that is a file: no key, no request."""
    (tmp_path / "certificates").write_text("no folder")
    assert works.house.status(TRIGGER) == "Accepted"
    works.house.run(0)
    assert works.house.all(v16.SignCertificateRequest) == []
