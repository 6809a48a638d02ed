"""Where twistd finds the roles. Nothing is imported here until a role is chosen."""

from twisted.application.service import ServiceMaker

ocpp_cp = ServiceMaker(
    "txocpp charge point", "txocpp.plugins.chargepoint", "OCPP 1.6 charge point", "ocpp-cp"
)
ocpp_csms = ServiceMaker(
    "txocpp central system", "txocpp.plugins.csms", "OCPP 1.6 central system", "ocpp-csms"
)
