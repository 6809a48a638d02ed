"""OCPP 1.6 for a central system: between the messages of this version and the rooms around.

``answers`` serves what stations ask, ``plain`` does so without a store, ``checks`` looks at what
operators are about to send, ``effects`` notes what a station's answer has changed.
"""
