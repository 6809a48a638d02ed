"""Started by MicroPython: choose a slot and run the charger that is in it.

The pins are inputs until the plant has set them, and a pull-down keeps the contactor open so long.
"""

import os
import sys
import time

import machine
import slot

if "prompt" in os.listdir():
    os.remove("prompt")  # asked for over the cable: stay in Python, once
else:
    try:
        name = slot.choose()
        sys.path.insert(0, slot.FOLDER + "/" + name)
        from app import App
        from board import Board

        charger = App(Board(name))
        charger.forget_start()
        charger.run()
    except Exception as error:
        sys.print_exception(error)
        time.sleep(5)  # for whoever wants to read that, or to press Ctrl-C
        machine.reset()
