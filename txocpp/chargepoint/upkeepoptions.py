"""What an operator can set about files, firmware and security."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from txocpp.chargepoint import settings
from txocpp.chargepoint.installer import CommandInstaller, InstallCommand
from txocpp.errors import ConfigurationError
from txocpp.interfaces import IFirmwareInstaller
from txocpp.transport.websocket_settings import DEFAULT_PORTS, split_url


class Files(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files that come and go: firmware in, diagnostics and logs out."""

    folder: Annotated[
        str,
        Meta(
            description="Where they are kept on their way, and where the charge point keeps keys "
            "and certificates of its own. Empty: a folder beside the store."
        ),
    ] = ""
    largest_download_mib: Annotated[int, Meta(ge=1, description="Larger files are refused.")] = 1024
    upload_method: Annotated[
        Literal["PUT", "POST", "FORM"],
        Meta(
            description="How files are delivered by HTTP: PUT, POST of the bare file, or POST of a "
            "form that holds it."
        ),
    ] = "PUT"
    upload_adds_name: Annotated[
        bool,
        Meta(
            description="The name of the file is added to the URL, which is a directory in OCPP. "
            "URLs with a query are never touched."
        ),
    ] = True
    trust_roots: Annotated[
        str,
        Meta(
            description="PEM file or directory with the roots of file servers, for HTTPS and FTPS. "
            "Empty: those of the operating system."
        ),
    ] = ""
    retries: Annotated[
        int, Meta(ge=0, description="After a failure, if the central system does not say.")
    ] = 3
    retry_interval_s: Annotated[
        int, Meta(ge=0, description="Between attempts, if the central system does not say.")
    ] = 60
    log_lines: Annotated[
        int, Meta(ge=0, description="Lines of the log that are kept for diagnostics.")
    ] = 5_000


class Firmware(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How new firmware is installed. Without a command, a device that can does it; otherwise the
    charge point refuses it with InstallationFailed."""

    install_command: Annotated[
        tuple[str, ...],
        Meta(
            description="Program and arguments; {file} stands for the image, which otherwise comes "
            "last. Exit status 0: installed; 65: the image is no good; others: failed. It goes on "
            "when the charge point is stopped meanwhile."
        ),
    ] = ()
    outcome_command: Annotated[
        tuple[str, ...],
        Meta(
            description="Asked after a restart in the midst of the installation: exit status 0 if "
            "the new firmware runs. Empty: another firmware version than before says so."
        ),
    ] = ()
    reboot: Annotated[
        bool, Meta(description="The charge point boots when the command has ended well.")
    ] = True
    timeout_s: Annotated[
        float, Meta(gt=0, description="The command is killed after this time.")
    ] = 1800.0
    signed_only: Annotated[bool, Meta(description="Firmware without a signature is refused.")] = (
        False
    )


class Security(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The security extensions of OCPP 1.6 (certificates, signed firmware, security events)."""

    extensions: Annotated[bool, Meta(description="false: none of it exists.")] = True
    events: Annotated[
        Literal["secured", "all", "critical", "none"],
        Meta(
            description="Security events that the central system is told; all are logged. "
            "secured: all of them, once a security profile is in force (a central system of plain "
            "OCPP 1.6 knows none)."
        ),
    ] = "secured"
    log_length: Annotated[int, Meta(ge=1, description="Entries of the security log.")] = 1_000
    urls: Annotated[
        dict[str, str],
        Meta(
            description="Other URLs of the central system by security profile, for example "
            '2 = "wss://central.example:9443/ocpp". Without: the one above, by wss for the '
            "profiles 2 and 3."
        ),
    ] = {}


def file_settings(options: Files, beside: Path | None) -> settings.Files:
    """The settings; files go to `beside` if the options do not say where."""
    return settings.Files(
        folder=Path(options.folder).expanduser() if options.folder else beside,
        largest_bytes=options.largest_download_mib << 20,
        upload_method=options.upload_method,
        upload_adds_name=options.upload_adds_name,
        trust_roots=Path(options.trust_roots).expanduser() if options.trust_roots else None,
        retries=options.retries,
        retry_interval_s=options.retry_interval_s,
    )


def security_settings(options: Security, firmware: Firmware) -> settings.Security:
    """The settings. Raises `ConfigurationError`."""
    for profile, url in options.urls.items():
        if profile not in ("0", "1", "2", "3"):
            raise ConfigurationError(f"[security] urls: {profile!r} is no security profile")
        parts = split_url(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ConfigurationError(f"[security] urls: {url!r} is no URL of a central system")
    return settings.Security(
        enabled=options.extensions,
        push_events=options.events,
        log_length=options.log_length,
        signed_firmware_only=firmware.signed_only,
        urls={int(profile): url for profile, url in options.urls.items()},
    )


def installer(reactor: Any, options: Firmware) -> IFirmwareInstaller | None:
    """The operator's, if there is a command."""
    if not options.install_command:
        return None
    return CommandInstaller(
        reactor,
        InstallCommand(
            command=options.install_command,
            outcome_command=options.outcome_command,
            reboot=options.reboot,
            timeout_s=options.timeout_s,
        ),
    )
