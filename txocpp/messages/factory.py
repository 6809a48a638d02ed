"""Which action is which class: one version of OCPP, as an application wants to speak it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from zope.interface import implementer

from txocpp import errors
from txocpp.interfaces import IMessageFactory
from txocpp.messages.codec import decode, encode
from txocpp.messages.declaration import Request
from txocpp.messages.explain import without_unknown


@implementer(IMessageFactory)
class MessageFactory:
    """Turns payloads into messages and back. Applications add their own with `register`.

    With `ignore_unknown` properties that the schema does not know are passed over in what peers
    send, instead of refused (J-16). What we send ourselves stays strict.
    """

    def __init__(
        self, subprotocol: str, requests: Iterable[type[Request]], *, ignore_unknown: bool = False
    ) -> None:
        self.subprotocol = subprotocol
        self._decode = self._decode_passing_over if ignore_unknown else decode
        self._requests: dict[str, type[Request]] = {}
        for request in requests:
            self.register(request)

    @property
    def actions(self) -> Mapping[str, type[Request]]:
        """Request classes by the name of their action."""
        return MappingProxyType(self._requests)

    def register(self, request: type[Request]) -> None:
        """Speak one more action, or replace the class of one, in this factory only.

        The class is declared with `txocpp.messages.declaration.request`, and its response with
        `response_to`. Raises ValueError if it is not.
        """
        if not getattr(request, "action", "") or not hasattr(request, "response"):
            raise ValueError(
                f"{request.__name__} is not declared with @request, or has no @response_to"
            )
        self._requests[request.action] = request

    def request_type(self, action: str) -> type[Request] | None:
        """The class of the action's request; None if the action is not known (J-04)."""
        return self._requests.get(action)

    def request(self, action: str, payload: object) -> Any:
        """Decode the payload of a CALL; see `IMessageFactory.request`."""
        declared = self._requests.get(action)
        if declared is None:
            raise _unknown(action)
        return self._decode(declared, payload)

    def response(self, action: str, payload: object) -> Any:
        """Decode the payload of a CALLRESULT; see `IMessageFactory.response`."""
        declared = self._requests.get(action)
        if declared is None:
            raise _unknown(action)
        return self._decode(declared.response, payload)

    def payload(self, message: Any) -> dict[str, Any]:
        """Encode a message; see `IMessageFactory.payload`."""
        return encode(message)

    def _decode_passing_over(self, declared: type[Any], payload: object) -> Any:
        try:
            return decode(declared, payload)
        except errors.CallRefused:
            return decode(declared, without_unknown(declared, payload))


def _unknown(action: str) -> errors.NotImplementedByUs:
    return errors.NotImplementedByUs(f"unknown action {action[:50]!r}")
