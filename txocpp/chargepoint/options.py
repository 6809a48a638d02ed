"""What an operator can set for a charge point: each table of the file is a class."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from txocpp.chargepoint.upkeepoptions import Files, Firmware, Security


class Station(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who the charge point is. What it says of itself in the BootNotification."""

    identity: Annotated[
        str, Meta(min_length=1, description="Its name in the central system; part of the URL.")
    ] = "CP-1"
    vendor: Annotated[str, Meta(min_length=1, max_length=20, description="Who made it.")] = "txocpp"
    model: Annotated[str, Meta(min_length=1, max_length=20, description="Which one it is.")] = (
        "Charge point"
    )
    serial_number: Annotated[
        str, Meta(max_length=25, description="Empty: what the device says of itself.")
    ] = ""
    charge_box_serial_number: Annotated[
        str, Meta(max_length=25, description="Outdated in OCPP; some central systems want it.")
    ] = ""
    firmware_version: Annotated[
        str, Meta(max_length=50, description="Empty: what the device says of itself.")
    ] = ""
    iccid: Annotated[str, Meta(max_length=20, description="Number of the modem's SIM card.")] = ""
    imsi: Annotated[str, Meta(max_length=20, description="Subscriber of the SIM card.")] = ""


class CentralSystem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the charge point belongs to, and how it gets in."""

    url: Annotated[
        str,
        Meta(description="ws://HOST:PORT/PATH or wss://HOST:PORT/PATH, without the identity."),
    ] = "ws://127.0.0.1:9000/ocpp"
    password: Annotated[
        str, Meta(description="Password for HTTP Basic authentication. Empty: none.")
    ] = ""
    password_file: Annotated[
        str, Meta(description="A file with the password on its first line, instead.")
    ] = ""
    authorization_key: Annotated[
        str,
        Meta(
            pattern="^([0-9A-Fa-f]{2})*$",
            description="The password as hex digits, as in OCPP's key AuthorizationKey, instead. "
            "A key that is changed over OCPP wins over all three.",
        ),
    ] = ""
    trust_roots: Annotated[
        str,
        Meta(
            description="wss: PEM file or directory with the roots of the server's certificate. "
            "Empty: those of the operating system."
        ),
    ] = ""
    certificate: Annotated[
        str, Meta(description="wss: PEM file with the charge point's own certificate.")
    ] = ""
    private_key: Annotated[str, Meta(description="wss: PEM file with the key of it.")] = ""
    endpoint: Annotated[
        str,
        Meta(description="Twisted endpoint to connect to in place of the URL's host and port."),
    ] = ""
    first_pause_s: Annotated[
        float, Meta(gt=0, description="Pause after the first failure; doubled with each one.")
    ] = 2.0
    longest_pause_s: Annotated[
        float, Meta(gt=0, description="Longest pause between two attempts to connect.")
    ] = 60.0


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must survive a power cut."""

    path: Annotated[
        str,
        Meta(
            description="SQLite file. Empty: IDENTITY.sqlite3 in $STATE_DIRECTORY, else in "
            '~/.local/state/txocpp. ":memory:": nothing survives.'
        ),
    ] = ""


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A box with one or more EVSEs; there may be several. Connectors are numbered in the order of
    the boxes. Without any there is one simulated EVSE."""

    type: Annotated[
        Literal["simulated", "evlink", "openevse"],
        Meta(description="simulated, evlink for a controller with txocpp's firmware, or openevse."),
    ] = "simulated"
    connectors: Annotated[int, Meta(ge=1, le=64, description="EVSEs in the box.")] = 1
    link: Annotated[
        str,
        Meta(
            description="evlink and openevse: tcp:HOST:PORT, or "
            "serial:/dev/serial/by-id/...:baudrate=115200; openevse: or http://HOST, its gateway."
        ),
    ] = ""
    key_file: Annotated[str, Meta(description="evlink: file with the key of the device.")] = ""
    settings: Annotated[
        dict[str, Any],
        Meta(description="Further settings of this type of box, see its documentation."),
    ] = {}


class Simulation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For simulated devices: a door through which people plug and unplug cars."""

    control: Annotated[
        str,
        Meta(
            description='Where the door is: "tcp:7716:interface=127.0.0.1" or '
            '"unix:/run/txocpp/sim". Empty: none.'
        ),
    ] = ""
    allow_remote: Annotated[
        bool, Meta(description="The door may be reached from other machines.")
    ] = False


class Installation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The electrical installation."""

    voltage_v: Annotated[float, Meta(gt=0, description="Nominal voltage, phase to neutral.")] = 230
    station_limit_a: Annotated[
        float, Meta(ge=0, description="Fuse of the whole station, A per phase. 0: no limit.")
    ] = 0
    time_zone: Annotated[
        str,
        Meta(
            description="Where recurring charging profiles shall follow the clock on the wall, "
            "such as Europe/Berlin. Empty: UTC, as OCPP has it."
        ),
    ] = ""


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where OCPP leaves a choice."""

    resume_transactions: Annotated[
        bool,
        Meta(
            description="After a power cut a transaction goes on if the car is still there. "
            "false: it is closed with reason PowerLoss."
        ),
    ] = False
    retry_message_id: Annotated[
        Literal["same", "new"],
        Meta(description="Id of a transaction message that is sent again; servers differ."),
    ] = "same"
    charge_before_first_accepted: Annotated[
        bool, Meta(description="Charge although no central system has ever accepted us.")
    ] = False
    trust_computer_clock: Annotated[
        bool,
        Meta(
            description="The computer's clock is right. false: nobody charges before the central "
            "system has told the time (a computer without a clock of its own)."
        ),
    ] = True
    heartbeat_despite_traffic: Annotated[
        bool, Meta(description="Send every Heartbeat, even after other messages.")
    ] = False
    queue_limit: Annotated[
        int, Meta(ge=10, description="Messages of transactions that wait for the central system.")
    ] = 10_000
    cache_limit: Annotated[int, Meta(ge=0, description="Tags in the authorization cache.")] = 1_000
    boot_retry_s: Annotated[
        float, Meta(gt=0, description="Pause before booting again, if we are to choose it.")
    ] = 30.0
    left_out_keys: Annotated[
        tuple[str, ...],
        Meta(description="Optional OCPP configuration keys that this charge point does not have."),
    ] = ()


class Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A local page and JSON document that show what is going on."""

    listen: Annotated[
        str,
        Meta(
            description='Where: "tcp:7717:interface=127.0.0.1" or "unix:/run/txocpp/status". '
            "Empty: nowhere. `txocpp cp status` asks it."
        ),
    ] = ""
    allow_remote: Annotated[bool, Meta(description="The page may be seen from other machines.")] = (
        False
    )


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set for a charge point."""

    station: Station = Station()
    central_system: CentralSystem = CentralSystem()
    storage: Storage = Storage()
    device: tuple[Device, ...] = ()
    simulation: Simulation = Simulation()
    installation: Installation = Installation()
    behaviour: Behaviour = Behaviour()
    status: Status = Status()
    files: Files = Files()
    firmware: Firmware = Firmware()
    security: Security = Security()
    configuration: Annotated[
        dict[str, Any],
        Meta(
            description="Initial values of OCPP configuration keys, read-only ones included. "
            "Values changed over OCPP win over these."
        ),
    ] = {}
    smart_charging: Annotated[
        dict[str, Any],
        Meta(description="How smart charging reads OCPP where it is ambiguous, see the docs."),
    ] = {}


def state_path(options: Options) -> Path:
    """The journal's file."""
    if options.storage.path:
        return Path(options.storage.path).expanduser()
    folder = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    base = Path(folder) if folder else Path("~/.local/state/txocpp").expanduser()
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", options.station.identity)
    return base / f"{name}.sqlite3"
