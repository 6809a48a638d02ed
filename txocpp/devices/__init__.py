"""Boxes with a contactor: every driver here provides `txocpp.interfaces.IEVSEDevice`.

Rules of this room: a driver knows its box and nothing of OCPP. The bytes of a box live in a codec
file without Twisted, its timers and its line in a file beside it.
"""
