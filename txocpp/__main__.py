"""``python -m txocpp``: the same as the ``txocpp`` command."""

from txocpp.cli import main

main(prog_name="txocpp")
