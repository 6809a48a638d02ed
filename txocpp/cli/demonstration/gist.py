"""One line for people about one OCPP message, read from its payload as it went over the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Payload = Mapping[str, Any]


def request_gist(action: str, payload: Payload) -> str:
    """What a request wants, without its braces; empty if the name says it all."""
    teller = _REQUESTS.get(action)
    return teller(payload) if teller else ""


def answer_gist(action: str, payload: Payload) -> str:
    """What came back."""
    if action == "BootNotification":
        return f"{payload.get('status')}, heartbeat every {payload.get('interval')} s"
    if action == "StartTransaction":
        status = payload.get("idTagInfo", {}).get("status")
        return f"{status}, this is transaction {payload.get('transactionId')}"
    if action in ("Authorize", "StopTransaction"):
        return str(payload.get("idTagInfo", {}).get("status", ""))
    if action == "GetCompositeSchedule" and "chargingSchedule" in payload:
        return _schedule(payload["chargingSchedule"])
    return str(payload.get("status", ""))


def _schedule(schedule: Payload) -> str:
    unit = schedule.get("chargingRateUnit", "")
    periods = schedule.get("chargingSchedulePeriod", [])
    steps = [f"{_number(p['limit'])} {unit}{_later(p['startPeriod'])}" for p in periods]
    return ", ".join(steps[:4]) + (" …" if len(steps) > 4 else "")


def _profile(profile: Payload) -> str:
    return f"{profile.get('chargingProfilePurpose')}: {_schedule(profile['chargingSchedule'])}"


def _set_profile(payload: Payload) -> str:
    return f"connector {payload.get('connectorId')}, {_profile(payload['csChargingProfiles'])}"


def _remote_start(payload: Payload) -> str:
    return f"tag {payload.get('idTag')} on connector {payload.get('connectorId', '(any)')}"


def _status(payload: Payload) -> str:
    error = payload.get("errorCode")
    tail = "" if error in (None, "NoError") else f" ({error})"
    where = payload.get("connectorId")
    place = f"connector {where}" if where else "station"
    return f"{place} is {payload.get('status')}{tail}"


def _meter_values(payload: Payload) -> str:
    shown = []
    for sampled in payload["meterValue"][-1]["sampledValue"]:
        if "phase" not in sampled:
            shown.append(f"{sampled['value']} {sampled.get('unit', 'Wh')}")
    return f"connector {payload.get('connectorId')}: {', '.join(shown)}"


def _start(payload: Payload) -> str:
    return (
        f"connector {payload.get('connectorId')}, tag {payload.get('idTag')}, "
        f"meter {payload.get('meterStart')} Wh"
    )


def _stop(payload: Payload) -> str:
    reason = payload.get("reason", "Local")
    return f"transaction {payload.get('transactionId')}, {reason}, meter {payload['meterStop']} Wh"


def _composite(payload: Payload) -> str:
    return f"connector {payload.get('connectorId')}, the next {_span(payload['duration'])}"


def _span(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def _later(seconds: int) -> str:
    return f" after {_span(seconds)}" if seconds else ""


def _number(value: float) -> str:
    return f"{value:g}"


_REQUESTS: dict[str, Callable[[Payload], str]] = {
    "Authorize": lambda p: f"tag {p.get('idTag')}",
    "BootNotification": lambda p: f"{p.get('chargePointVendor')} {p.get('chargePointModel')}",
    "ClearChargingProfile": lambda p: f"profile {p['id']}" if "id" in p else "",
    "GetCompositeSchedule": _composite,
    "MeterValues": _meter_values,
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": lambda p: f"transaction {p.get('transactionId')}",
    "SetChargingProfile": _set_profile,
    "StartTransaction": _start,
    "StatusNotification": _status,
    "StopTransaction": _stop,
}
