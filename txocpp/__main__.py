"""``python -m txocpp`` is the ``txocpp`` command."""

from txocpp.cli import main

main(prog_name="txocpp")
