"""A charger with a car behind it that behaves like one; the parts of `txocpp.devices.simulated`.

``settings`` what may be chosen, ``car`` and ``outlet`` the physics (time is an argument, nothing
of Twisted), ``evse`` and ``device`` the providers of the interfaces, ``commands`` and ``control``
the door for people, ``memory`` what survives.
"""
