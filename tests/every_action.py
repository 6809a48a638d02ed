"""Each action that a central system asks for: a good payload, and an answer to it.

The answers are chosen among those that are not plain consent.
"""

from __future__ import annotations

from typing import Any

THEN = "2026-06-01T12:00:00Z"
LATER = "2099-01-01T00:00:00Z"

HASH = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "AB",
    "issuerKeyHash": "CD",
    "serialNumber": "1",
}

PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": {
        "startSchedule": THEN,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}],
    },
}

EVERYTHING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "CancelReservation": ({"reservationId": 1}, {"status": "Accepted"}),
    "CertificateSigned": ({"certificateChain": "PEM"}, {"status": "Accepted"}),
    "ChangeAvailability": ({"connectorId": 0, "type": "Operative"}, {"status": "Scheduled"}),
    "ChangeConfiguration": ({"key": "A", "value": "1"}, {"status": "RebootRequired"}),
    "ClearCache": ({}, {"status": "Rejected"}),
    "ClearChargingProfile": ({}, {"status": "Unknown"}),
    "DataTransfer": ({"vendorId": "V"}, {"status": "Accepted", "data": "x"}),
    "DeleteCertificate": ({"certificateHashData": HASH}, {"status": "NotFound"}),
    "ExtendedTriggerMessage": ({"requestedMessage": "Heartbeat"}, {"status": "Accepted"}),
    "GetCompositeSchedule": ({"connectorId": 1, "duration": 60}, {"status": "Rejected"}),
    "GetConfiguration": ({"key": ["A"]}, {"unknownKey": ["A"]}),
    "GetDiagnostics": ({"location": "ftp://x/"}, {"fileName": "d.zip"}),
    "GetInstalledCertificateIds": (
        {"certificateType": "CentralSystemRootCertificate"},
        {"status": "NotFound"},
    ),
    "GetLocalListVersion": ({}, {"listVersion": -1}),
    "GetLog": (
        {"log": {"remoteLocation": "ftp://x/"}, "logType": "SecurityLog", "requestId": 1},
        {"status": "AcceptedCanceled", "filename": "log"},
    ),
    "InstallCertificate": (
        {"certificateType": "ManufacturerRootCertificate", "certificate": "PEM"},
        {"status": "Failed"},
    ),
    "RemoteStartTransaction": ({"idTag": "TAG"}, {"status": "Rejected"}),
    "RemoteStopTransaction": ({"transactionId": 1}, {"status": "Accepted"}),
    "ReserveNow": (
        {"connectorId": 0, "expiryDate": LATER, "idTag": "T", "reservationId": 1},
        {"status": "Occupied"},
    ),
    "Reset": ({"type": "Hard"}, {"status": "Accepted"}),
    "SendLocalList": ({"listVersion": 1, "updateType": "Full"}, {"status": "NotSupported"}),
    "SetChargingProfile": (
        {"connectorId": 1, "csChargingProfiles": PROFILE},
        {"status": "NotSupported"},
    ),
    "SignedUpdateFirmware": (
        {
            "requestId": 1,
            "firmware": {
                "location": "ftp://x/",
                "retrieveDateTime": THEN,
                "signingCertificate": "PEM",
                "signature": "AA",
            },
        },
        {"status": "InvalidCertificate"},
    ),
    "TriggerMessage": ({"requestedMessage": "MeterValues"}, {"status": "NotImplemented"}),
    "UnlockConnector": ({"connectorId": 1}, {"status": "UnlockFailed"}),
    "UpdateFirmware": ({"location": "ftp://x/", "retrieveDate": THEN}, {}),
}
