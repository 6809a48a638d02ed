"""A central system of your own: everybody may charge, with 10 A for the first ten minutes.

Run it: python examples/central_system.py [ENDPOINT]
"""

import sys
from decimal import Decimal

from twisted.internet import task
from twisted.internet.defer import Deferred

from txocpp.csms import CentralSystem
from txocpp.messages import v16
from txocpp.transport.websocket_server import WebSocketServer


async def main(reactor, endpoint="tcp:9000:interface=127.0.0.1"):
    central = CentralSystem(reactor)

    @central.on(v16.StatusNotificationRequest)
    def status(station, request):
        print(f"{station.identity}: connector {request.connector_id} is {request.status}")
        if request.status == v16.ChargePointStatus.CHARGING:
            station.call(gentle_start(request.connector_id)).addCallbacks(print, print)
        return v16.StatusNotificationResponse()

    WebSocketServer(reactor, endpoint, central).startService()
    await Deferred()  # for ever


def gentle_start(connector_id):
    periods = ((0, Decimal(10)), (600, Decimal(32)))
    return v16.SetChargingProfileRequest(
        connector_id=connector_id,
        cs_charging_profiles=v16.ChargingProfile(
            charging_profile_id=1,
            stack_level=0,
            charging_profile_purpose=v16.ChargingProfilePurposeType.TX_DEFAULT_PROFILE,
            charging_profile_kind=v16.ChargingProfileKindType.RELATIVE,
            charging_schedule=v16.ChargingSchedule(
                charging_rate_unit=v16.ChargingRateUnit.A,
                charging_schedule_period=[
                    v16.ChargingSchedulePeriod(start_period=start_s, limit=limit_a)
                    for start_s, limit_a in periods
                ],
            ),
        ),
    )


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
