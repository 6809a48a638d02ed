"""Updates of the firmware, without a signature."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from house import House
from upkeep_rig import DENIED, IMAGE, UNLUCKY, Works, moment

from txocpp.chargepoint.installer import NoInstaller
from txocpp.chargepoint.settings import Files
from txocpp.errors import ImageRefused, InstallationFailed
from txocpp.interfaces import Installation
from txocpp.messages import v16

SEQUENCE = [
    "Firmware Downloading",
    "Firmware Downloaded",
    "Firmware Installing",
    "Firmware Installed",
]


@pytest.fixture
def works(tmp_path: Path) -> Works:
    """One connector, everything at once."""
    return Works(tmp_path)


def triggered(works: Works) -> list[str]:
    """What a trigger brings about."""
    works.statuses()
    request = v16.TriggerMessageRequest(
        requested_message=v16.MessageTrigger.FIRMWARE_STATUS_NOTIFICATION
    )
    assert works.house.status(request) == "Accepted"
    return works.statuses()


@pytest.mark.rule("F-02", "F-03")
def test_an_update_goes_step_by_step(works: Works) -> None:
    """Each state is told, the image gets to the installer, and nothing stays behind."""
    works.update()
    assert works.statuses() == SEQUENCE
    assert works.installer.installed == [IMAGE]
    assert works.no_files()


@pytest.mark.rule("F-01")
def test_nothing_is_fetched_before_its_time(works: Works) -> None:
    """The answer is empty and comes first; the download begins at retrieveDate."""
    answer = works.update(retrieve_date=moment(minutes=10))
    assert answer == v16.UpdateFirmwareResponse()
    works.house.run(599)
    assert (works.transfers.asked, works.statuses()) == ([], [])
    works.house.run(2)
    assert works.statuses() == SEQUENCE


@pytest.mark.rule("F-06")
def test_a_download_is_tried_again(works: Works) -> None:
    """As often as the central system says, with its pauses, and told as one."""
    works.transfers.fates = [UNLUCKY, DENIED]
    works.update(retries=2, retry_interval=30)
    assert works.statuses() == ["Firmware Downloading"]
    works.house.run(30)
    assert len(works.transfers.asked) == 2
    works.house.run(30)
    assert works.statuses() == SEQUENCE[1:]


@pytest.mark.rule("F-06")
def test_without_a_word_the_station_decides_how_often(tmp_path: Path) -> None:
    """As its settings say."""
    files = Files(retries=1, retry_interval_s=7)
    works = Works(tmp_path, settings={"files": files})
    works.transfers.fates = [UNLUCKY] * 3
    works.update()
    works.house.run(7)
    assert works.statuses() == ["Firmware Downloading", "Firmware DownloadFailed"]
    assert len(works.transfers.asked) == 2


@pytest.mark.rule("F-07", "F-02")
def test_a_failed_download_changes_nothing(works: Works) -> None:
    """The old firmware stays, and the connector is as it was."""
    works.transfers.fates = [UNLUCKY]
    works.update(retries=0)
    assert works.heard() == ["Firmware Downloading", "Firmware DownloadFailed"]
    assert works.installer.installed == []
    works.house.charge()
    assert works.house.bay().transaction is not None


@pytest.mark.rule("F-02")
@pytest.mark.parametrize("error", [InstallationFailed("no room"), ImageRefused("wrong board")])
def test_a_failed_installation_is_told(works: Works, error: Exception) -> None:
    """Whatever the reason, plain updates have one word for it."""
    works.installer.error = error
    works.update()
    assert works.statuses() == [*SEQUENCE[:3], "Firmware InstallationFailed"]
    assert works.house.bay().reporter.current.status == "Available"
    assert works.no_files()


@pytest.mark.rule("F-02")
def test_without_an_installer_nothing_is_installed(tmp_path: Path) -> None:
    """A charge point whose device takes no firmware, and without a command, says so."""
    works = Works(tmp_path)
    bare = attrs.evolve(works.house.equipment, installer=NoInstaller())
    works.house = House(equipment=bare)
    works.update()
    assert works.statuses() == [*SEQUENCE[:3], "Firmware InstallationFailed"]


@pytest.mark.rule("F-04")
def test_an_installation_waits_for_those_who_charge(tmp_path: Path) -> None:
    """Idle connectors become Unavailable at once, busy ones when they are done; afterwards all
    are free again."""
    works = Works(tmp_path, connectors=2)
    house = works.house
    house.charge(1)
    works.installer.at_once = False
    works.update()
    assert works.heard("Status") == ["Status 2 Unavailable"]
    house.run(3600)
    assert works.installer.installed == []
    house.swipe("TAG2", 2)
    house.plug(2)
    assert house.bay(2).transaction is None
    works.heard()
    house.swipe("TAG1", 1)
    house.run(10)
    heard = works.heard("Stop", "Status", "Firmware")
    assert sorted(heard[-2:]) == ["Firmware Installing", "Status 1 Unavailable"]
    assert "Stop 1 Local by TAG1" in heard
    house.unplug(1)
    house.unplug(2)
    works.installer.finish()
    assert sorted(works.heard()) == [
        "Firmware Installed",
        "Status 1 Available",
        "Status 2 Available",
    ]


@pytest.mark.rule("F-04")
def test_somebody_with_a_tag_but_no_car_does_not_hold_it_up(works: Works) -> None:
    """A permission that nobody has used is taken back."""
    works.installer.at_once = False
    works.house.swipe()
    works.update()
    statuses = ["Preparing", "Available", "Unavailable"]
    assert works.heard("Status") == [f"Status 1 {one}" for one in statuses]
    assert works.installer.installed == [IMAGE]
    works.house.stop()


@pytest.mark.rule("F-04", "AV-01")
def test_what_was_out_of_service_stays_so(works: Works) -> None:
    """The pause for an installation and ChangeAvailability do not know each other."""
    works.installer.at_once = False
    works.update()
    works.statuses()
    inoperative = v16.ChangeAvailabilityRequest(
        connector_id=1, type=v16.AvailabilityType.INOPERATIVE
    )
    assert works.house.status(inoperative) == "Accepted"
    works.installer.finish()
    works.house.run(0)
    assert works.house.bay().reporter.current.status == "Unavailable"


@pytest.mark.rule("F-05", "F-09")
def test_a_reboot_comes_before_the_good_news(works: Works) -> None:
    """Installing, BootNotification, Installed; the reboot is a security event."""
    works.installer.then = Installation.REBOOT
    works.update()
    assert works.statuses() == SEQUENCE[:3]
    works.house.run(3)
    assert works.heard("Boot", "Firmware") == ["Boot", "Firmware Installed"]
    assert ("ResetOrReboot", "new firmware") in works.events()
    assert ("FirmwareUpdated", "1") in works.events()


@pytest.mark.rule("F-09")
@pytest.mark.parametrize("phase", ["waiting", "downloading", "charging", "installing"])
def test_a_power_cut_does_not_end_an_update(works: Works, phase: str) -> None:
    """It goes on where it was, and nothing is told twice."""
    house = works.house
    works.transfers.at_once = phase != "downloading"
    if phase == "installing":
        works.installer.at_once = False
        works.installer.knows = True
    if phase == "charging":
        house.charge()
    works.update(retrieve_date=moment(minutes=5 if phase == "waiting" else 0))
    told = works.statuses()
    works.transfers.running.clear()
    house.power_cut()
    if phase == "downloading":
        works.transfers.finish()
    house.run(305)
    told += works.statuses()
    assert told == SEQUENCE


@pytest.mark.rule("F-09")
@pytest.mark.parametrize(
    ("knows", "version", "end"),
    [
        (True, "1", "Installed"),
        (False, "2", "InstallationFailed"),
        (None, "2", "Installed"),
        (None, "1", "InstallationFailed"),
    ],
)
def test_after_a_restart_somebody_knows_how_it_ended(
    works: Works, knows: bool | None, version: str, end: str
) -> None:
    """The installer, and if it does not, the version of the firmware."""
    works.installer.at_once = False
    works.installer.knows = knows
    works.update()
    works.statuses()
    works.house.settings = attrs.evolve(works.house.settings, firmware_version=version)
    works.house.power_cut()
    assert works.statuses() == [f"Firmware {end}"]
    assert works.house.bay().reporter.current.status == "Available"


@pytest.mark.rule("F-09")
def test_what_happens_offline_is_told_later(works: Works) -> None:
    """Every step, in order, also over a reboot."""
    works.update(retrieve_date=moment(minutes=1))
    works.house.disconnect()
    works.house.run(120)
    works.house.power_cut()
    works.house.connect()
    assert works.statuses() == SEQUENCE


@pytest.mark.rule("F-08")
def test_a_newer_request_takes_the_place_of_an_older_one(works: Works) -> None:
    """The older download is given up, even in the pause before its next attempt."""
    works.transfers.at_once = False
    works.update("http://files.test/old")
    works.house.run(0)
    works.update("http://files.test/new")
    works.house.run(0)
    assert works.transfers.cancelled == 1
    works.transfers.running.pop(0)
    works.transfers.finish()
    assert works.statuses() == ["Firmware Downloading", *SEQUENCE]
    works.transfers.at_once = True
    works.transfers.fates = [UNLUCKY]
    works.update("http://files.test/old", retries=1, retry_interval=60)
    works.house.run(1)
    works.update("http://files.test/new")
    works.house.run(100)
    assert works.transfers.asked[2:] == ["GET http://files.test/old", "GET http://files.test/new"]


@pytest.mark.rule("F-08")
def test_what_is_being_installed_is_not_replaced(works: Works) -> None:
    """The newer request is answered and forgotten."""
    works.installer.at_once = False
    works.update()
    works.statuses()
    assert works.update("http://files.test/new") == v16.UpdateFirmwareResponse()
    works.house.run(0)
    works.installer.finish()
    assert works.statuses() == ["Firmware Installed"]
    assert len(works.transfers.asked) == 1


@pytest.mark.rule("T-07")
def test_the_present_status_can_be_asked_for(works: Works) -> None:
    """Idle when nothing runs: before an update, while it waits for its time, and after it."""
    assert triggered(works) == ["Firmware Idle"]
    works.transfers.at_once = False
    works.update(retrieve_date=moment(minutes=1))
    assert triggered(works) == ["Firmware Idle"]
    works.house.run(61)
    assert triggered(works) == ["Firmware Downloading"]
    works.transfers.finish()
    works.statuses()
    assert triggered(works) == ["Firmware Idle"]


@pytest.mark.rule("G-04")
@pytest.mark.parametrize("url", ["ftps://files.test/x", "gopher://files.test/x"])
def test_only_the_protocols_that_are_offered_are_spoken(tmp_path: Path, url: str) -> None:
    """SupportedFileTransferProtocols can leave some out; others are not known at all."""
    keys = {"SupportedFileTransferProtocols": "HTTP,HTTPS,FTP"}
    works = Works(tmp_path, configuration=keys)
    works.update(url)
    assert works.statuses() == ["Firmware Downloading", "Firmware DownloadFailed"]
    assert works.transfers.asked == []


def test_without_the_key_every_protocol_will_do(tmp_path: Path) -> None:
    """SupportedFileTransferProtocols is optional."""
    left_out = ("SupportedFileTransferProtocols",)
    works = Works(tmp_path, settings={"left_out_keys": left_out})
    works.update("ftps://files.test/x")
    assert works.statuses() == SEQUENCE


@pytest.mark.rule("X-78")
def test_unsigned_firmware_can_be_refused(tmp_path: Path) -> None:
    """By CALLERROR NotSupported, and nothing is begun."""
    works = Works(tmp_path, security={"signed_firmware_only": True})
    assert works.update() == "NotSupported"
    assert works.statuses() == []


@pytest.mark.rule("J-22", "T-02")
def test_a_profile_that_is_left_out_does_not_exist(tmp_path: Path) -> None:
    """Its requests are not supported, its messages cannot be triggered."""
    works = Works(tmp_path, configuration={"SupportedFeatureProfiles": "Core,RemoteTrigger"})
    assert works.update() == "NotSupported"
    assert works.house.ask(v16.GetDiagnosticsRequest(location="ftp://x.test")) == "NotSupported"
    for message in ("FirmwareStatusNotification", "DiagnosticsStatusNotification"):
        request = v16.TriggerMessageRequest(requested_message=v16.MessageTrigger(message))
        assert works.house.status(request) == "NotImplemented"


@pytest.mark.rule("F-05")
def test_a_device_that_can_installs_by_itself(tmp_path: Path) -> None:
    """The simulated one does: it boots, and says another version."""
    works = Works(tmp_path)
    works.house = House(equipment=attrs.evolve(works.house.equipment, installer=None))
    works.update()
    works.house.run(20)
    assert works.heard("Boot", "Firmware")[1:] == [*SEQUENCE[:3], "Boot", SEQUENCE[3]]
    assert works.house.last(v16.BootNotificationRequest).firmware_version == "2"
    works.house.device.fail_installations()
    works.update()
    works.house.run(20)
    assert works.statuses() == [*SEQUENCE[:3], "Firmware InstallationFailed"]


def test_a_full_disk_is_a_failure(works: Works, tmp_path: Path) -> None:
    """The image cannot be read back, for example."""
    works.installer.at_once = False
    works.house.charge()
    works.update()
    works.statuses()
    (tmp_path / "firmware" / "image").unlink()
    works.house.swipe()
    works.house.run(5)
    assert works.statuses() == ["Firmware Installing", "Firmware InstallationFailed"]
