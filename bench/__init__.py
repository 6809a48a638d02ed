"""Benchmarks: what a message, a connection and a schedule cost, beside others in the same run.

`python -m bench` prints the table. Nothing here is a test: no figure makes anything fail.
"""
