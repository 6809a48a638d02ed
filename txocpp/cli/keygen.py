"""``txocpp keygen``: make the key that a charge point shares with its charger controller."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory

from txocpp import __version__
from txocpp.cli.device_talk import run
from txocpp.devices.esp8266.key_setting import KeySetting
from txocpp.devices.esp8266.keys import make_key
from txocpp.devices.links import device_description, device_endpoint
from txocpp.errors import TxocppError


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--device",
    "where",
    metavar="serial:PATH",
    help="Put the key into this device, too. Hold its button if it has a key already.",
)
def keygen(file: Path, where: str | None) -> None:
    """Make a new key in FILE, readable by its owner only."""
    try:
        if where is not None and device_description(where).kind != "serial":
            raise click.UsageError(f"{where}: a key goes into a device over its cable only")
        key = make_key(file)
    except TxocppError as error:
        raise click.ClickException(str(error)) from None
    if where is not None and not _put(where, key):
        file.unlink()  # a key that no device has is of no use
        sys.exit(1)
    click.echo(f"{file}: a new key. Keep it; the device and the charge point need the same.")


def _put(where: str, key: bytes) -> bool:
    async def story(reactor: Any) -> None:
        setting = KeySetting(reactor, f"txocpp/{__version__}", key)
        factory = Factory.forProtocol(lambda: setting)
        factory.noisy = False
        await device_endpoint(reactor, where).connect(factory)
        try:
            await setting.done
        finally:
            setting.transport.loseConnection()

    return run(lambda reactor: Deferred.fromCoroutine(story(reactor)))
