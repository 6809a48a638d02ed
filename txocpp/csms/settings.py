"""What an operator can set for a central system: each table of the file is a class."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from txocpp.csms.boot import Admit

Seconds = Annotated[float, Meta(gt=0)]


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where charge points and people connect. Endpoints are written as Twisted has them:
    "tcp:9000:interface=127.0.0.1", "ssl:9001:privateKey=key.pem:certKey=cert.pem"."""

    ocpp: Annotated[
        tuple[str, ...],
        Meta(description="Ports for charge points: ws://HOST:PORT/ocpp/IDENTITY."),
    ] = ("tcp:9000:interface=127.0.0.1",)
    http: Annotated[str, Meta(description="Port for the HTTP API and the pages. Empty: none.")] = (
        "tcp:8080:interface=127.0.0.1"
    )
    names: Annotated[
        tuple[str, ...],
        Meta(
            description="Host names under which the HTTP API is reached, besides addresses and "
            "localhost; others are refused while there are no accounts."
        ),
    ] = ()
    origins: Annotated[
        tuple[str, ...],
        Meta(
            description="Web pages of other servers that may connect as charge points, such as "
            "http://localhost:3000; *: any. For simulators that run in a browser."
        ),
    ] = ()
    path: Annotated[
        str,
        Meta(
            description="The URL path before the identity of a charge point. Empty: any.",
            pattern="^(/.*/|)$",
        ),
    ] = "/ocpp/"
    path_may_lack: Annotated[
        bool,
        Meta(description="Also take ws://HOST:PORT/IDENTITY, without that path."),
    ] = True
    trusted_proxies: Annotated[
        int,
        Meta(ge=0, description="Proxies in front whose X-Forwarded-For tells the true address."),
    ] = 0


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another port for charge points, with TLS and, if wanted, client certificates (security
    profiles 2 and 3). Certificates are PEM files."""

    listen: Annotated[str, Meta(description="Endpoint, for example tcp:9443.")]
    certificate: Annotated[str, Meta(description="Certificate of the server, with its chain.")]
    private_key: Annotated[str, Meta(description="Its private key.")]
    second_certificate: Annotated[
        str,
        Meta(
            description="Another certificate of the other kind, RSA or elliptic curve, so that "
            "stations that know only one kind are served. Empty: none."
        ),
    ] = ""
    second_private_key: Annotated[str, Meta(description="Its private key.")] = ""
    client_authorities: Annotated[
        str, Meta(description="Roots of client certificates. Empty: none are asked for.")
    ] = ""
    require_client_certificate: Annotated[
        bool, Meta(description="Refuse clients without a certificate.")
    ] = True


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the central system remembers."""

    url: Annotated[
        str,
        Meta(
            description="A file name, or postgresql://USER@HOST/NAME (needs txocpp[postgresql]). "
            "Empty: central.sqlite3 in $STATE_DIRECTORY, else in ~/.local/state/txocpp."
        ),
    ] = ""
    password_file: Annotated[
        str,
        Meta(
            description="PostgreSQL only: a file whose first line is the password; only its owner "
            "may read it. Empty: as PostgreSQL does it (PGPASSFILE, ~/.pgpass), or none."
        ),
    ] = ""
    synchronous: Annotated[
        Literal["full", "normal"],
        Meta(
            description="SQLite only. full: what was acknowledged survives a power cut. normal: "
            "it survives a killed process only, and small computers are faster."
        ),
    ] = "full"


class Stations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may connect, and how stations are treated."""

    admit: Annotated[
        Admit,
        Meta(
            description="all: everybody is accepted. adopt: newcomers stay Pending until an "
            "operator accepts them. known: only stations that were entered before may connect."
        ),
    ] = Admit.ALL
    require_password: Annotated[
        bool, Meta(description="Refuse stations that have no password (security profiles 1, 2).")
    ] = False
    tolerant_passwords: Annotated[
        bool,
        Meta(description="Also take the hex digits of the AuthorizationKey as the password."),
    ] = True
    certificate_organization: Annotated[
        str,
        Meta(description="O of the client certificates of stations: your name. Empty: any."),
    ] = ""
    certificate_names_station: Annotated[
        bool,
        Meta(
            description="A client certificate is good only for the station whose serial number or "
            "identity is its CN. That station needs no password."
        ),
    ] = True
    hold_security_profile: Annotated[
        bool,
        Meta(
            description="Refuse a station that connects with a lower security profile than its "
            "SecurityProfile, as last read or changed. Not for ports behind a proxy that ends TLS "
            "without being trusted (trusted_proxies)."
        ),
    ] = True
    heartbeat_interval_s: Annotated[
        int,
        Meta(
            ge=0,
            description="Heartbeat interval told to stations. Each is told up to a fifth less, so "
            "that not all of them speak at once. 0: the station chooses.",
        ),
    ] = 300
    retry_interval_s: Annotated[
        int, Meta(ge=0, description="When a station that is not accepted shall boot again.")
    ] = 60
    call_timeout_s: Annotated[
        float, Meta(gt=0, description="How long a station may take to answer.")
    ] = 30.0
    ping_interval_s: Annotated[
        float, Meta(ge=0, description="WebSocket ping to find dead connections. 0: none.")
    ] = 60.0
    most_connections: Annotated[
        int, Meta(ge=0, description="Further stations are refused with 503. 0: any number.")
    ] = 0
    largest_message_bytes: Annotated[
        int, Meta(ge=1024, description="Larger messages close the connection.")
    ] = 1 << 20
    tolerate_unknown_fields: Annotated[
        bool,
        Meta(description="Ignore properties that OCPP does not know, instead of refusing them."),
    ] = False


class Authorization(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tags may charge."""

    unknown_tags: Annotated[
        Literal["auto", "invalid", "accept", "accept-while-empty"],
        Meta(
            description="What becomes of tags that were never entered: invalid, accept, or "
            "accept-while-empty (everybody may charge until the first tag is entered). auto: "
            "accept-while-empty if only loopback is listened on, else invalid."
        ),
    ] = "auto"
    max_running: Annotated[
        int,
        Meta(
            ge=0,
            description="Most transactions of one tag at the same time, unless the tag has a "
            "number of its own. 0: no limit.",
        ),
    ] = 0


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long things are kept. 0: for ever."""

    complete_samples_days: Annotated[
        int,
        Meta(
            ge=0,
            description="Every meter value that was sent. After that a summary remains for every "
            "interval.",
        ),
    ] = 30
    interval_minutes: Annotated[
        int, Meta(ge=1, le=1440, description="Length of the intervals that are summed up.")
    ] = 15
    intervals_days: Annotated[int, Meta(ge=0, description="Summaries of meter values.")] = 0
    status_history_days: Annotated[int, Meta(ge=0, description="Statuses of connectors.")] = 365
    notices_days: Annotated[
        int, Meta(ge=0, description="Boots, security events, progress of updates.")
    ] = 365
    operations_days: Annotated[int, Meta(ge=0, description="What operators asked for.")] = 365
    messages_days: Annotated[
        float, Meta(ge=0, description="The log of all messages. 0: no message is logged.")
    ] = 3
    audit_days: Annotated[int, Meta(ge=0, description="Who did what.")] = 0


class KnownStation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A station to be entered at the start, if it is not there yet."""

    identity: Annotated[str, Meta(min_length=1, max_length=255)]
    name: str = ""
    password: Annotated[
        str, Meta(description="AuthorizationKey: 32 to 40 hex digits, or any text. Empty: none.")
    ] = ""
    serial_number: Annotated[
        str, Meta(max_length=25, description="CN of its client certificate, if it has one.")
    ] = ""


class KnownTag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tag to be entered at the start, if it is not there yet."""

    id_tag: Annotated[str, Meta(min_length=1, max_length=20)]
    parent_id_tag: Annotated[str, Meta(max_length=20, description="Its group. Empty: none.")] = ""
    note: str = ""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of a central system."""

    listen: Listen = Listen()
    database: Database = Database()
    stations: Stations = Stations()
    authorization: Authorization = Authorization()
    retention: Retention = Retention()
    tls: tuple[Tls, ...] = ()
    known_stations: tuple[KnownStation, ...] = ()
    known_tags: tuple[KnownTag, ...] = ()


def default_database() -> Path:
    """Where the database is when nobody says so."""
    state = os.environ.get("STATE_DIRECTORY")
    if state:
        return Path(state.split(":")[0]) / "central.sqlite3"
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return home / "txocpp" / "central.sqlite3"
