"""What `measure.mjs` calls to see how much memory the firmware takes, with relay and S0 meter."""

import binascii
import gc
import hashlib
import json
import os
import sys
import time
from binascii import hexlify, unhexlify

KEY = bytes(range(32))
HOST_NONCE = bytes(range(16))


class Board:
    """A NodeMCU in numbers: every pin is there and nobody moves it."""

    ONCE = ("__init__", "input", "listen", "on_pulse", "kept_pulses")
    folder = "/flash"
    config = {"plant": "relay", "pins": {"s0": 4}}
    id = "esp8266-00a1b2c3"
    hw = "relay"
    why = "power"
    insecure = False
    slots = True
    weak = False
    slot = "a"

    def __init__(self) -> None:
        self.clock_ms = 0
        self.incoming = b""
        self.outgoing = b""

    def ms(self):
        return self.clock_ms

    def read(self):
        data, self.incoming = self.incoming, b""
        return data

    def write(self, data):
        self.outgoing = data

    def random(self, count):
        return bytes(count)

    def input(self, number):
        return lambda: 0

    output = pulses = lambda self, number: lambda *value: 0

    def on_pulse(self, number, heard):
        pass

    def button(self):
        return False

    def listen(self):
        import tcp  # a charger in the Wi-Fi needs it, so it counts

        return

    def feed(self):
        pass

    def on_trial(self):
        return False

    def keep_pulses(self, wh, pulses):
        pass

    def kept_pulses(self, wh):
        return 0


class Chip:
    """Stands for whatever `board.py` finds in the modules of the chip."""

    def __getattr__(self, name):
        return self


board = Board()
app = None
keys = None
counter = 0
request_id = 0
taken = 0


def used():
    return gc.mem_alloc()


def collect():
    gc.collect()


def garbage(name):
    """Bytes that the firmware takes from the heap in a call; what the host takes is not counted."""
    global taken
    taken = 0
    globals()[name]()
    return taken


def load():
    import app
    import charger
    import evlink
    import outlet
    import relay
    import store
    import tcp


def load_board():
    sys.modules["machine"] = Chip()
    import board


def start():
    global app
    from app import App

    app = App(board)
    app.forget_start()
    forget_board()
    for _ in range(10):
        turn()
    _send('[2,1,"hello",{"v":[1],"h":"measure"}]', 0)


def forget_board():
    """What `forget_start` would do to the real board, which has no place to run here."""
    from board import Board

    for name in Board.ONCE:
        setattr(Board, name, None)


def turn():
    global taken
    board.clock_ms += 20
    before = gc.mem_alloc()
    app.turn()
    taken += gc.mem_alloc() - before


def _send(words, number):
    from evlink import tag

    body = bytes(">%d %s" % (number, words), "utf8")
    board.incoming = b"\n" + body + b"*" + tag(keys and keys[0], body) + b"\n"
    turn()
    return board.outgoing


def _ask(words):
    global counter, request_id
    counter += 1
    request_id = request_id % 65535 + 1
    board.clock_ms += 200  # as if the host took its time
    return _send("[2,%d,%s]" % (request_id, words), counter)


def request():
    _ask('"limit",{"c":1,"ma":16000,"ttl":30}')


def key():
    _ask('"key",{"k":"%s"}' % str(hexlify(KEY), "utf8"))


def handshake():
    global keys, counter
    from evlink import mac, pads

    keys = None
    nonce = str(hexlify(HOST_NONCE), "utf8")
    answer = _send('[2,1,"hello",{"v":[1],"h":"measure","n":"%s"}]' % nonce, 0)
    start = answer.find(b'"n":"') + 5
    both = HOST_NONCE + unhexlify(answer[start : start + 32])
    proof = str(hexlify(mac(pads(KEY), b"H" + both)[:16]), "utf8")
    _send('[2,2,"auth",{"p":"%s"}]' % proof, 1)
    keys = (pads(mac(pads(KEY), b"h" + both)),)
    counter = 0


def begin():
    from evlink import mac, pads

    digest = bytes(32)
    proof = mac(pads(KEY), b"U" + digest + b"10000 1")[:16]
    _ask(
        '"ota",{"op":"begin","size":10000,"sha":"%s","ver":"1","mac":"%s"}'
        % (str(hexlify(digest), "utf8"), str(hexlify(proof), "utf8"))
    )


def data():
    _ask('"ota",{"op":"data","off":0,"b64":"dHhvY3BwLWltYWdlIDEK"}')
