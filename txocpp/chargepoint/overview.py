"""What a charge point is doing, as plain data: for a page, a command, a program.

Every value is a JSON value; times are in UTC, energy in Wh, currents in A per phase.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from txocpp.chargepoint.assembly import Assembly
from txocpp.chargepoint.bay import Bay
from txocpp.chargepoint.limits import Allowance
from txocpp.chargepoint.measurands import plain
from txocpp.chargepoint.statusreports import NO_ERROR
from txocpp.chargepoint.transactions import Transaction

if TYPE_CHECKING:
    from txocpp.chargepoint.service import ChargePoint

UNKNOWN = Allowance.unknown()


def overview(charge_point: ChargePoint) -> dict[str, Any]:
    """Everything worth a look: connection, queue, store, and every connector."""
    document: dict[str, Any] = {
        "identity": charge_point.settings.identity,
        "connection": _connection(charge_point),
    }
    assembly = charge_point.assembly
    if assembly is None:
        return {**document, "state": "rebooting", "connectors": []}
    return {
        **document,
        "state": "up",
        "time": assembly.clock.now().isoformat(),
        "registration": assembly.registration.state.value,
        "queue": len(assembly.outbox),
        "store": "ok" if assembly.journal.healthy else "takes no changes",
        "damage": charge_point.damage,
        "in_service": assembly.availability.station,
        "reservations": len(assembly.reservations),
        "profiles": len(assembly.limits.stack),
        "security_profile": assembly.upkeep.line_security.profile,
        "firmware": assembly.upkeep.version() or None,
        "update": assembly.upkeep.firmware.present.value,
        "connectors": [_connector(assembly, bay) for bay in assembly.bays.values()],
    }


def _connection(charge_point: ChargePoint) -> dict[str, Any]:
    assembly, status = charge_point.assembly, charge_point.line_status
    connected = assembly is not None and assembly.registration.connected
    document: dict[str, Any] = {"state": "connected" if connected else "not connected"}
    if status is not None and not connected:
        document["problem"] = status.reason or None
    return document


def _connector(assembly: Assembly, bay: Bay) -> dict[str, Any]:
    condition, state = bay.reporter.current, bay.outlet.state
    allowance = assembly.limits.allowances.get(bay.connector_id, UNKNOWN)
    transaction, grant = bay.transaction, bay.grant
    power_w = bay.outlet.last.power_w
    return {
        "connector": bay.connector_id,
        "status": condition.status.value,
        "since": bay.reporter.since.isoformat(),
        "error": None if condition.error_code == NO_ERROR else condition.error_code,
        "info": condition.info or None,
        "plugged": bay.plugged,
        "energised": state.energised,
        "online": state.online,
        "limit_a": plain(allowance.limit_a),
        "why": allowance.reason,
        "offered_a": plain(state.offered_a),
        "phases": state.phases,
        "power_w": None if power_w is None else plain(power_w),
        "energy_wh": bay.outlet.register.shown_wh,
        "waiting_for_cable": None if grant is None else grant.id_tag,
        "transaction": None if transaction is None else _transaction(bay, transaction),
    }


def _transaction(bay: Bay, transaction: Transaction) -> dict[str, Any]:
    return {
        "id": transaction.transaction_id,
        "id_tag": transaction.id_tag,
        "started_at": transaction.started_at.isoformat(),
        "energy_wh": bay.outlet.register.shown_wh - transaction.meter_start_wh,
        "refused": transaction.refused,
    }
