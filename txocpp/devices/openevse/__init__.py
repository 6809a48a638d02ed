"""Chargers with an OpenEVSE controller: by RAPI on a serial line, or by the HTTP of its gateway.

* `rapi`: what goes over a RAPI line; pure
* `rapi_line`: one question at a time over a line that is kept open
* `rapi_controller`, `http`: a controller by either way, as `controller` describes it
* `evse`, `device`: the `IEVSE` and `IEVSEDevice` on top
* `rapi_simulator`: a controller that exists only as numbers, with the habits of the real ones
"""
