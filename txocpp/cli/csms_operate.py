"""``txocpp csms``: asking stations to do things."""

from __future__ import annotations

import json
from typing import Final

import click

from txocpp.cli.csms_desk import Desk, table


@click.command()
@click.argument("identity")
@click.argument("id_tag")
@click.option("--connector", type=int, help="Where; left out: the station chooses.")
@click.option("--limit", "limit_a", type=float, help="A per phase, from the start on.")
@click.pass_obj
def start(
    desk: Desk, identity: str, id_tag: str, connector: int | None, limit_a: float | None
) -> None:  # fmt: skip
    """Start a transaction for a tag."""
    desk.operate(identity, "start", id_tag=id_tag, connector_id=connector, limit_a=limit_a)


@click.command()
@click.argument("identity")
@click.option("--connector", type=int, help="Where.")
@click.option("--transaction", type=int, help="Which one.")
@click.pass_obj
def stop(desk: Desk, identity: str, connector: int | None, transaction: int | None) -> None:
    """Stop a transaction: the only one, or that of a connector, or the one with an id."""
    desk.operate(identity, "stop", connector_id=connector, transaction_id=transaction)


@click.command()
@click.argument("identity")
@click.argument("limit", type=float)
@click.option("--connector", type=int, default=0, help="Left out: the whole station.")
@click.option("--watts", is_flag=True, help="The limit is in W over all phases, not A per phase.")
@click.option("--phases", type=click.IntRange(1, 3), help="For how many phases it is meant.")
@click.option("--for", "duration_s", type=int, help="Seconds, from now on.")
@click.pass_obj
def limit(
    desk: Desk,
    identity: str,
    limit: float,
    connector: int,
    watts: bool,
    phases: int | None,
    duration_s: int | None,
) -> None:
    """Limit a station or a connector to so many amperes per phase (0 pauses charging)."""
    desk.operate(
        identity,
        "limit",
        connector_id=connector,
        phases=phases,
        duration_s=duration_s,
        **{"limit_w" if watts else "limit_a": limit},
    )


@click.command("clear-limit")
@click.argument("identity")
@click.option("--connector", type=int, help="Left out: everything that is installed.")
@click.pass_obj
def clear_limit(desk: Desk, identity: str, connector: int | None) -> None:
    """Take limits back."""
    desk.operate(identity, "clear-limit", connector_id=connector)


@click.command()
@click.argument("identity")
@click.option("--connector", type=int, default=1, show_default=True)
@click.pass_obj
def unlock(desk: Desk, identity: str, connector: int) -> None:
    """Unlock a cable."""
    desk.operate(identity, "unlock", connector_id=connector)


@click.command()
@click.argument("identity")
@click.option("--hard", is_flag=True, help="Restart the hardware at once.")
@click.pass_obj
def reset(desk: Desk, identity: str, hard: bool) -> None:
    """Restart a charge point."""
    desk.operate(identity, "reset", type="Hard" if hard else "Soft")


@click.command()
@click.argument("identity")
@click.argument("state", type=click.Choice(["on", "off"]))
@click.option("--connector", type=int, default=0, help="Left out: the whole station.")
@click.pass_obj
def service(desk: Desk, identity: str, state: str, connector: int) -> None:
    """Put a connector or a station in or out of service."""
    desk.operate(identity, "availability", connector_id=connector, operative=state == "on")


@click.command()
@click.argument("identity")
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.pass_obj
def config(desk: Desk, identity: str, key: str | None, value: str | None) -> None:
    """Read all configuration keys, read one, or change one."""
    if key is not None and value is not None:
        desk.operate(identity, "configuration", key=key, value=value)
        return
    done = desk.api.post(
        "api", "stations", identity, "read-configuration", keys=None if key is None else [key]
    )

    def words() -> None:
        if done["items"]:
            table(desk, done["items"], key="key", value="value", read_only="readonly")

    desk.show(done, words)
    if key is not None and not done["items"]:
        raise click.ClickException(f"{identity} does not know the key {key!r}")


@click.command()
@click.argument("identity")
@click.argument("action")
@click.argument("payload", default="{}")
@click.option("--force", is_flag=True, help="Send it even if a rule speaks against it.")
@click.option("--wait", "valid_for_s", type=float, help="Seconds to wait for the station.")
@click.pass_obj
def call(
    desk: Desk, identity: str, action: str, payload: str, force: bool, valid_for_s: float | None
) -> None:  # fmt: skip
    """Send any action of OCPP with a payload in JSON."""
    try:
        document = json.loads(payload)
    except ValueError as error:
        raise click.UsageError(f"the payload is not JSON: {error}") from None
    desk.operate(
        identity,
        "operations",
        action=action,
        payload=document,
        force=force,
        valid_for_s=valid_for_s,
    )


OPERATE_COMMANDS: Final = (start, stop, limit, clear_limit, unlock, reset, service, config, call)
