"""The central systems that are measured, each a program of its own.

Each prints one JSON line ``{"listening": port}`` when it is ready, obeys ``{"call": n}`` on its
standard input (call n stations one after the other, print ``{"latencies_us": [...]}``) and ends
when its standard input ends.
"""
