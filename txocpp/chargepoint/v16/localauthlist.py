"""Feature profile LocalAuthListManagement: what the central system asks (OCPP 1.6 §5.10, §5.15)."""

from __future__ import annotations

import attrs

from txocpp.chargepoint.locallist import LocalList
from txocpp.chargepoint.v16 import values
from txocpp.messages import v16
from txocpp.transport.peer import Responder


@attrs.frozen(kw_only=True)
class LocalAuthList:
    """Answers the requests of profile LocalAuthListManagement."""

    local_list: LocalList

    def responders(self) -> dict[type, Responder]:
        """By request class."""
        return {
            v16.GetLocalListVersionRequest: self.version,
            v16.SendLocalListRequest: self.update,
        }

    def version(self, request: v16.GetLocalListVersionRequest) -> v16.GetLocalListVersionResponse:
        """Which list is kept here (§5.10)."""
        return v16.GetLocalListVersionResponse(list_version=self.local_list.version)

    async def update(self, request: v16.SendLocalListRequest) -> v16.SendLocalListResponse:
        """Another list, or changes to this one (§5.15)."""
        lines = [
            (line.id_tag, None if line.id_tag_info is None else values.tag_info(line.id_tag_info))
            for line in request.local_authorization_list or ()
        ]
        if request.update_type is v16.UpdateType.FULL:
            result = await self.local_list.replace(request.list_version, lines)
        else:
            result = await self.local_list.change(request.list_version, lines)
        return v16.SendLocalListResponse(status=v16.UpdateStatus(result.value))
