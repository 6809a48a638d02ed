"""The security white paper: what the central system asks (chapter 5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from txocpp.chargepoint.certificates import BadCertificate, CertificateHash
from txocpp.chargepoint.certification import Certification
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.diagnostics import Diagnostics
from txocpp.chargepoint.firmware import Firmware
from txocpp.chargepoint.linesecurity import LineSecurity
from txocpp.chargepoint.roots import Roots, RootUse
from txocpp.chargepoint.signatures import Signature
from txocpp.chargepoint.update import Acceptance, Update
from txocpp.chargepoint.uploads import Order, Uploads
from txocpp.chargepoint.v16.central import CentralSystem
from txocpp.chargepoint.v16.firmware import PROFILE as FIRMWARE_MANAGEMENT
from txocpp.chargepoint.v16.notices import NoticeWords, log_status, signed_firmware_status
from txocpp.chargepoint.v16.remotetrigger import RemoteTrigger, Trigger
from txocpp.errors import NotSupported
from txocpp.messages import v16
from txocpp.transport.peer import Reply, Responder

SHARED_TRIGGERS = ("BootNotification", "Heartbeat", "MeterValues", "StatusNotification")
"""Of TriggerMessage as well."""


@attrs.frozen(kw_only=True)
class SecurityExtensions:
    """Answers the requests of the security white paper."""

    firmware: Firmware
    diagnostics: Diagnostics
    uploads: Uploads
    roots: Roots
    certification: Certification
    line: LineSecurity
    trigger: RemoteTrigger
    configuration: Configuration
    words: NoticeWords

    def responders(self) -> dict[type, Responder]:
        """By request class."""
        return {
            v16.CertificateSignedRequest: self.certificate_signed,
            v16.DeleteCertificateRequest: self.delete_certificate,
            v16.ExtendedTriggerMessageRequest: self.extended_trigger,
            v16.GetInstalledCertificateIdsRequest: self.installed_certificates,
            v16.GetLogRequest: self.get_log,
            v16.InstallCertificateRequest: self.install_certificate,
            v16.SignedUpdateFirmwareRequest: self.update,
        }

    # Certificates.

    async def install_certificate(
        self, request: v16.InstallCertificateRequest
    ) -> v16.InstallCertificateResponse:
        """Trust a root (WP M05)."""
        result = await self.roots.install(
            RootUse(request.certificate_type.value), request.certificate
        )
        return v16.InstallCertificateResponse(status=v16.CertificateStatusEnumType(result.value))

    async def delete_certificate(
        self, request: v16.DeleteCertificateRequest
    ) -> v16.DeleteCertificateResponse:
        """Trust a root no longer (WP M04)."""
        data = request.certificate_hash_data
        result = await self.roots.delete(
            CertificateHash(
                data.hash_algorithm.value,
                data.issuer_name_hash,
                data.issuer_key_hash,
                data.serial_number,
            )
        )
        status = v16.DeleteCertificateStatusEnumType(result.value)
        return v16.DeleteCertificateResponse(status=status)

    def installed_certificates(
        self, request: v16.GetInstalledCertificateIdsRequest
    ) -> v16.GetInstalledCertificateIdsResponse:
        """Which roots are trusted (WP M03)."""
        found = self.roots.hashes(RootUse(request.certificate_type.value))
        outcomes = v16.GetInstalledCertificateStatusEnumType
        if not found:
            return v16.GetInstalledCertificateIdsResponse(status=outcomes.NOT_FOUND)
        return v16.GetInstalledCertificateIdsResponse(
            status=outcomes.ACCEPTED, certificate_hash_data=tuple(_hash_data(one) for one in found)
        )

    def certificate_signed(
        self, request: v16.CertificateSignedRequest
    ) -> v16.CertificateSignedResponse | Reply:
        """Here is our certificate (WP A02)."""
        outcomes = v16.CertificateSignedStatusEnumType
        if not self.certification.received(request.certificate_chain):
            return v16.CertificateSignedResponse(status=outcomes.REJECTED)
        accepted = v16.CertificateSignedResponse(status=outcomes.ACCEPTED)
        return Reply(accepted, self.line.certificate_changed)

    # Triggers.

    def extended_trigger(
        self, request: v16.ExtendedTriggerMessageRequest
    ) -> v16.ExtendedTriggerMessageResponse | Reply:
        """Send a message now; response first (X-79)."""
        outcomes = v16.TriggerMessageStatusEnumType
        trigger = self._triggers().get(request.requested_message.value)
        if trigger is None:
            return v16.ExtendedTriggerMessageResponse(status=outcomes.NOT_IMPLEMENTED)
        doing = trigger(request.connector_id)
        if doing is None:
            return v16.ExtendedTriggerMessageResponse(status=outcomes.REJECTED)
        return Reply(v16.ExtendedTriggerMessageResponse(status=outcomes.ACCEPTED), doing)

    def _triggers(self) -> dict[str, Trigger]:
        shared = {name: self.trigger.triggers[name] for name in SHARED_TRIGGERS}
        ours: dict[str, Trigger] = {
            "LogStatusNotification": self._log_status,
            "SignChargePointCertificate": self._sign,
        }
        if self.configuration.supports(FIRMWARE_MANAGEMENT):
            ours["FirmwareStatusNotification"] = self._firmware_status
        return {**shared, **ours}

    def _log_status(self, connector_id: int | None) -> Callable[[], object]:
        return partial(self.words.send_now, log_status(self.uploads.report))

    def _firmware_status(self, connector_id: int | None) -> Callable[[], object]:
        report = self.firmware.signed_report
        return partial(self.words.send_now, signed_firmware_status(report))

    def _sign(self, connector_id: int | None) -> Callable[[], object] | None:
        return self.certification.request if self.certification.possible else None

    # Logs.

    def get_log(self, request: v16.GetLogRequest) -> v16.GetLogResponse:
        """Upload a log (WP N01)."""
        wanted = request.log
        security = request.log_type is v16.LogEnumType.SECURITY_LOG
        make = self.diagnostics.security if security else self.diagnostics.everything
        document = make(wanted.oldest_timestamp, wanted.latest_timestamp)
        if document is None:
            return v16.GetLogResponse(status=v16.LogStatusEnumType.REJECTED)
        replaces = self.uploads.begin(
            document,
            Order(
                location=wanted.remote_location,
                retries=request.retries,
                retry_interval_s=request.retry_interval,
                request_id=request.request_id,
            ),
        )
        outcomes = v16.LogStatusEnumType
        return v16.GetLogResponse(
            status=outcomes.ACCEPTED_CANCELED if replaces else outcomes.ACCEPTED,
            filename=document.name,
        )

    # Firmware.

    def update(self, request: v16.SignedUpdateFirmwareRequest) -> v16.SignedUpdateFirmwareResponse:
        """New firmware (WP L01)."""
        if not self.configuration.supports(FIRMWARE_MANAGEMENT):
            raise NotSupported("this charge point takes no firmware")
        wanted = request.firmware
        signature = Signature(wanted.signing_certificate, wanted.signature)
        try:
            self.firmware.require_signer(signature)
        except BadCertificate:
            acceptance = Acceptance.INVALID_CERTIFICATE
        else:
            acceptance = self.firmware.accept(
                Update(
                    location=wanted.location,
                    retrieve_at=wanted.retrieve_date_time,
                    install_at=wanted.install_date_time,
                    retries=request.retries,
                    retry_interval_s=request.retry_interval,
                    request_id=request.request_id,
                    signature=signature,
                )
            )
        status = v16.UpdateFirmwareStatusEnumType(acceptance.value)
        return v16.SignedUpdateFirmwareResponse(status=status)


def sign_certificate(central: CentralSystem, request: str) -> Deferred[bool]:
    """SignCertificate; gives whether the central system passes it on."""
    asked: Deferred[Any] = central.call(v16.SignCertificateRequest(csr=request))
    accepted = v16.GenericStatusEnumType.ACCEPTED
    return asked.addCallback(lambda answer: answer.status is accepted)


def _hash_data(one: CertificateHash) -> v16.CertificateHashDataType:
    return v16.CertificateHashDataType(
        hash_algorithm=v16.HashAlgorithmEnumType(one.algorithm),
        issuer_name_hash=one.issuer_name_hash,
        issuer_key_hash=one.issuer_key_hash,
        serial_number=one.serial_number,
    )
