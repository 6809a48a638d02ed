"""Feature profile RemoteTrigger: what the central system asks (OCPP 1.6 §5.17; rules T-01 to T-09).

Other features add the messages that they can be asked for by `add`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.bay import Bay
from txocpp.chargepoint.boot import Registration
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.heartbeat import Heartbeat
from txocpp.chargepoint.statusreports import StatusReporter
from txocpp.errors import DeviceError
from txocpp.messages import v16
from txocpp.transport.peer import Reply, Responder

Trigger = Callable[[int | None], Callable[[], object] | None]
"""Takes the connector that was named; gives what is to be done after the answer, or None for
Rejected."""

T = TypeVar("T")

log = Logger()


class RemoteTrigger:
    """Answers the requests of profile RemoteTrigger."""

    def __init__(
        self,
        bays: Mapping[int, Bay],
        station: StatusReporter,
        registration: Registration,
        heartbeat: Heartbeat,
        configuration: Configuration,
    ) -> None:
        self._bays = bays
        self._station = station
        self._registration = registration
        self._heartbeat = heartbeat
        self._configuration = configuration
        self.triggers: dict[str, Trigger] = {
            "BootNotification": self._boot,
            "Heartbeat": self._beat,
            "MeterValues": self._meter_values,
            "StatusNotification": self._status,
        }
        """By the name of the message."""

    def responders(self) -> dict[type, Responder]:
        """By request class."""
        return {v16.TriggerMessageRequest: self.trigger}

    def add(self, message: str, trigger: Trigger) -> None:
        """One more message that can be asked for."""
        self.triggers[message] = trigger

    def trigger(self, request: v16.TriggerMessageRequest) -> v16.TriggerMessageResponse | Reply:
        """Send a message now; response first (T-01, T-02)."""
        trigger = self.triggers.get(request.requested_message.value)
        if trigger is None or not self._configuration.supports("RemoteTrigger"):
            status = v16.TriggerMessageStatus.NOT_IMPLEMENTED
            return v16.TriggerMessageResponse(status=status)
        doing = trigger(request.connector_id)
        if doing is None:
            return v16.TriggerMessageResponse(status=v16.TriggerMessageStatus.REJECTED)
        return Reply(v16.TriggerMessageResponse(status=v16.TriggerMessageStatus.ACCEPTED), doing)

    def _boot(self, connector_id: int | None) -> Callable[[], object] | None:
        """B-16: not once accepted."""
        return None if self._registration.online else self._registration.trigger

    def _beat(self, connector_id: int | None) -> Callable[[], object]:
        return self._heartbeat.beat

    def _status(self, connector_id: int | None) -> Callable[[], object] | None:
        """T-03: without a connector the station and all connectors. T-09: changed or not."""
        reporters = {0: self._station, **{c: bay.reporter for c, bay in self._bays.items()}}
        chosen = reporters.values() if connector_id is None else _one(reporters, connector_id)
        if not chosen:
            return None
        return partial(_each, [reporter.tell_now for reporter in chosen])

    def _meter_values(self, connector_id: int | None) -> Callable[[], object] | None:
        """M-16. There is no main meter, so connector 0 has nothing to tell."""
        bays = self._bays.values() if connector_id is None else _one(self._bays, connector_id)
        if not bays:
            return None
        return partial(_each, [partial(_sample, bay) for bay in bays])


def _one(choices: Mapping[int, T], connector_id: int) -> Iterable[T]:
    """T-04: nothing for a connector that there is not."""
    return [choices[connector_id]] if connector_id in choices else []


def _each(calls: Iterable[Callable[[], object]]) -> None:
    for call in calls:
        call()


def _sample(bay: Bay) -> None:
    bay.charge.sampler.triggered().addErrback(_note)


def _note(failure: Failure) -> None:
    failure.trap(DeviceError)
    log.warn("no meter values on demand: {reason}", reason=failure.getErrorMessage())
