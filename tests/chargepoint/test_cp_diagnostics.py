"""Diagnostics and logs on their way to the central system's people."""

from __future__ import annotations

import io
import json
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from house import NOON
from upkeep_rig import DENIED, LOGS, UNLUCKY, Works, moment

from txocpp.chargepoint.settings import Files
from txocpp.errors import TransferFailed, TransferTrouble
from txocpp.messages import v16

NAME = "CP1-diagnostics-20260603T120000Z.tar.gz"
KEY = "00112233445566778899AABBCCDDEEFF00112233"


@pytest.fixture
def works(tmp_path: Path) -> Works:
    """Everything at once."""
    return Works(tmp_path)


def ask(works: Works, location: str = LOGS, **more: Any) -> str | None:
    """The file name that is answered to a GetDiagnostics."""
    wanted = {"location": location, "retries": 0, **more}
    name: str | None = works.house.ask(v16.GetDiagnosticsRequest(**wanted)).file_name
    return name


def ask_log(works: Works, kind: str = "SecurityLog", request_id: int = 7, **more: Any) -> Any:
    """What is answered to a GetLog."""
    period = {name: more.pop(name) for name in list(more) if name.endswith("_timestamp")}
    log = v16.LogParametersType(remote_location=more.pop("location", LOGS), **period)
    wanted = {"log_type": v16.LogEnumType(kind), "request_id": request_id, "retries": 0, **more}
    return works.house.ask(v16.GetLogRequest(log=log, **wanted))


def unpacked(content: bytes) -> dict[str, str]:
    """The files in an archive."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        members = {name: archive.extractfile(name) for name in archive.getnames()}
        return {name: member.read().decode() for name, member in members.items() if member}


def write(works: Works, text: str, minute: int = 0) -> None:
    """A line in the program's log."""
    at = (NOON + timedelta(minutes=minute)).timestamp()
    works.house.equipment.logbook({"log_format": text, "log_time": at})


def triggered(works: Works, request: Any) -> list[str]:
    """What a trigger brings about."""
    works.statuses()
    assert works.house.status(request) == "Accepted"
    return works.statuses()


DIAGNOSTICS = v16.TriggerMessageRequest(
    requested_message=v16.MessageTrigger.DIAGNOSTICS_STATUS_NOTIFICATION
)
LOG = v16.ExtendedTriggerMessageRequest(
    requested_message=v16.MessageTriggerEnumType.LOG_STATUS_NOTIFICATION
)


@pytest.mark.rule("G-01", "G-02")
def test_diagnostics_are_one_file(works: Works) -> None:
    """Its name is the answer, its way is told, and it holds how things stand."""
    write(works, "the weather is fine")
    assert ask(works) == NAME
    assert works.statuses() == ["Diagnostics Uploading", "Diagnostics Uploaded"]
    ((place, content),) = works.transfers.delivered.items()
    assert place == f"ftp://files.test/logs/{NAME}"
    files = unpacked(content)
    assert "the weather is fine" in files["log.txt"]
    assert "StartupOfTheDevice" in files["security.txt"]
    assert json.loads(files["state.json"])["identity"] == "CP1"
    assert json.loads(files["configuration.json"])["NumberOfConnectors"] == "1"
    assert "twisted" in json.loads(files["programs.json"])
    assert works.no_files()


@pytest.mark.rule("X-14", "K-10")
def test_no_secret_is_among_them(works: Works) -> None:
    """Neither the key that was set nor the one before."""
    assert works.house.set_key("AuthorizationKey", KEY) == "Accepted"
    works.house.run(1)
    ask(works)
    works.house.run(0)
    (content,) = works.transfers.delivered.values()
    everything = "".join(unpacked(content).values()).lower()
    assert KEY.lower() not in everything
    assert "authorizationkey changed" in everything


@pytest.mark.rule("G-03")
def test_a_period_can_be_asked_for(works: Works) -> None:
    """Logs of that time; the present state only if it reaches to the present."""
    house = works.house
    for minute in range(0, 40, 10):
        write(works, f"minute {minute}", minute)
    house.run(3600)
    ask(works, start_time=moment(minutes=5), stop_time=moment(minutes=25))
    house.run(0)
    files = unpacked(works.transfers.delivered.popitem()[1])
    assert list(files) == ["log.txt"]
    assert [line[-2:] for line in files["log.txt"].splitlines()] == ["10", "20"]
    ask(works, start_time=moment(minutes=25))
    house.run(0)
    files = unpacked(works.transfers.delivered.popitem()[1])
    assert list(files) == ["log.txt", "state.json", "configuration.json", "programs.json"]


@pytest.mark.rule("G-01")
def test_where_there_is_nothing_nothing_is_uploaded(works: Works) -> None:
    """A period without a line, or one that has not come yet: no file name."""
    works.house.run(3600)
    assert ask(works, start_time=moment(minutes=5), stop_time=moment(minutes=6)) is None
    assert ask(works, start_time=moment(hours=2)) is None
    assert (works.statuses(), works.transfers.asked) == ([], [])


@pytest.mark.rule("G-02", "G-03")
def test_an_upload_is_tried_again(works: Works) -> None:
    """As often and as far apart as the central system says, and told as one."""
    works.transfers.fates = [UNLUCKY, UNLUCKY]
    ask(works, retries=2, retry_interval=20)
    works.house.run(20)
    assert works.statuses() == ["Diagnostics Uploading"]
    works.house.run(20)
    assert works.statuses() == ["Diagnostics Uploaded"]
    works.transfers.fates = [UNLUCKY]
    ask(works)
    assert works.statuses() == ["Diagnostics Uploading", "Diagnostics UploadFailed"]
    assert works.no_files()


@pytest.mark.rule("G-04")
def test_where_nothing_can_be_uploaded_to_the_upload_fails(works: Works) -> None:
    """Other protocols, or URLs that are none."""
    ask(works, "gopher://files.test/logs")
    assert works.statuses() == ["Diagnostics Uploading", "Diagnostics UploadFailed"]


def test_an_operator_may_want_urls_left_alone(tmp_path: Path) -> None:
    """Then the file goes to the very URL."""
    works = Works(tmp_path, settings={"files": Files(upload_adds_name=False)})
    ask(works, "http://files.test/upload")
    works.house.run(0)
    assert list(works.transfers.delivered) == ["http://files.test/upload"]


@pytest.mark.rule("G-05")
def test_a_newer_request_takes_the_place_of_an_older_one(works: Works) -> None:
    """The older upload is given up; the newer one is told from its beginning."""
    works.transfers.at_once = False
    ask(works)
    assert works.statuses() == ["Diagnostics Uploading"]
    works.house.run(5)
    assert ask(works, "http://files.test/logs") == NAME.replace("000Z", "005Z")
    works.house.run(0)
    assert works.transfers.cancelled == 1
    works.transfers.running.pop(0)
    works.transfers.finish()
    assert works.statuses() == ["Diagnostics Uploading", "Diagnostics Uploaded"]


@pytest.mark.rule("T-07")
def test_the_present_status_can_be_asked_for(works: Works) -> None:
    """Idle when nothing runs, Uploading otherwise."""
    assert triggered(works, DIAGNOSTICS) == ["Diagnostics Idle"]
    works.transfers.at_once = False
    ask(works)
    works.statuses()
    assert triggered(works, DIAGNOSTICS) == ["Diagnostics Uploading"]
    works.transfers.finish()
    works.statuses()
    assert triggered(works, DIAGNOSTICS) == ["Diagnostics Idle"]


@pytest.mark.rule("G-02")
def test_a_reboot_ends_an_upload(works: Works) -> None:
    """And the central system gets to know it."""
    works.transfers.at_once = False
    ask(works)
    works.statuses()
    works.house.power_cut()
    assert works.statuses() == ["Diagnostics UploadFailed"]
    works.house.power_cut()
    assert works.statuses() == []


def test_a_full_disk_is_a_failure(works: Works, tmp_path: Path) -> None:
    """The file cannot be written; here because its folder is a file."""
    (tmp_path / "outgoing").write_text("no folder")
    ask(works)
    assert works.statuses() == ["Diagnostics Uploading", "Diagnostics UploadFailed"]


@pytest.mark.rule("X-64", "X-65")
def test_the_security_log_is_a_text(works: Works) -> None:
    """With its name in the answer and the request's id in every step."""
    answer = ask_log(works)
    assert answer == v16.GetLogResponse(
        status=v16.LogStatusEnumType.ACCEPTED, filename="CP1-security-20260603T120000Z.txt"
    )
    assert works.statuses() == ["Log 7 Uploading", "Log 7 Uploaded"]
    ((place, content),) = works.transfers.delivered.items()
    assert place == "ftp://files.test/logs/CP1-security-20260603T120000Z.txt"
    assert content == b"2026-06-03T12:00:00.000Z critical StartupOfTheDevice\n"


@pytest.mark.rule("X-64")
def test_the_other_log_is_that_of_get_diagnostics(works: Works) -> None:
    """With everything in it."""
    assert ask_log(works, "DiagnosticsLog").filename == NAME
    works.house.run(0)
    (content,) = works.transfers.delivered.values()
    assert "state.json" in unpacked(content)


@pytest.mark.rule("X-64")
def test_a_log_without_entries_is_refused(works: Works) -> None:
    """Nothing of that period is there."""
    works.house.run(100)
    for kind in ("SecurityLog", "DiagnosticsLog"):
        period = {
            "oldest_timestamp": moment(seconds=10),
            "latest_timestamp": moment(seconds=20),
        }
        answer = ask_log(works, kind, **period)
        assert answer == v16.GetLogResponse(status=v16.LogStatusEnumType.REJECTED)
    assert works.statuses() == []


@pytest.mark.rule("X-64")
def test_a_newer_log_cancels_an_older_one(works: Works) -> None:
    """And the answer says so. Diagnostics are another matter and go on."""
    works.transfers.at_once = False
    ask(works)
    assert ask_log(works, request_id=1).status == "Accepted"
    works.house.run(0)
    assert ask_log(works, request_id=2).status == "AcceptedCanceled"
    works.house.run(0)
    assert works.transfers.cancelled == 1
    works.transfers.running.pop(1)
    works.transfers.finish()
    works.transfers.finish()
    assert works.statuses() == [
        "Diagnostics Uploading",
        "Log 1 Uploading",
        "Log 2 Uploading",
        "Diagnostics Uploaded",
        "Log 2 Uploaded",
    ]


@pytest.mark.rule("X-65")
@pytest.mark.parametrize(
    ("location", "fate", "word"),
    [
        (LOGS, UNLUCKY, "UploadFailure"),
        (LOGS, DENIED, "PermissionDenied"),
        (LOGS, TransferFailed("405", TransferTrouble.UNSUPPORTED), "NotSupportedOperation"),
        ("gopher://files.test/", None, "NotSupportedOperation"),
        ("http://", None, "BadMessage"),
    ],
)
def test_a_failed_upload_has_many_words(
    works: Works, location: str, fate: TransferFailed | None, word: str
) -> None:
    """For those who want to know whose fault it is."""
    works.transfers.fates = [] if fate is None else [fate]
    ask_log(works, location=location)
    assert works.statuses() == ["Log 7 Uploading", f"Log 7 {word}"]


@pytest.mark.rule("X-65", "X-79")
def test_the_present_status_of_a_log_can_be_asked_for(works: Works) -> None:
    """Idle, without an id, when nothing runs."""
    assert triggered(works, LOG) == ["Log None Idle"]
    works.transfers.at_once = False
    ask_log(works)
    works.statuses()
    assert triggered(works, LOG) == ["Log 7 Uploading"]


def test_a_strange_identity_is_no_strange_file_name(tmp_path: Path) -> None:
    """Slashes and spaces are replaced, and long names cut."""
    works = Works(tmp_path)
    odd = "../CP 1/" + "x" * 200
    works.house.settings = attrs.evolve(works.house.settings, identity=odd)
    works.house.power_cut()
    name = ask(works)
    assert name is not None
    assert name.startswith(".._CP_1_xxx")
    assert len(name) < 150


@pytest.mark.rule("J-22")
def test_what_is_switched_off_does_not_exist(tmp_path: Path) -> None:
    """GetLog goes with the security extensions, GetDiagnostics with its profile."""
    off = Works(tmp_path, security={"enabled": False})
    assert ask_log(off) == "NotSupported"
    assert ask(off) == NAME
