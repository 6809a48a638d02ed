"""``txocpp csms``: what there is, and what was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from txocpp.cli.csms_desk import Desk, cell, table


@click.command("list")
@click.option("--search", help="Part of identity, name, vendor or model.")
@click.option("--connected", is_flag=True, help="Only those on the line.")
@click.pass_obj
def list_stations(desk: Desk, search: str | None, connected: bool) -> None:
    """List charge points."""
    found = list(
        desk.api.items(
            "api",
            "stations",
            most=100_000,
            follow="after",
            search=search,
            connected=True if connected else None,
        )
    )
    for station in found:
        station["connectors_in_words"] = ", ".join(
            f"{plug['connector_id']}: {plug['status']}"
            for plug in station["connectors"]
            if plug["connector_id"] > 0
        )
    desk.show(
        found,
        lambda: table(
            desk,
            found,
            identity="identity",
            name="name",
            connected="connected",
            registration="registration",
            model="model",
            last_seen="last_seen",
            connectors="connectors_in_words",
        ),
    )


@click.command()
@click.argument("identity")
@click.pass_obj
def show(desk: Desk, identity: str) -> None:
    """Show one charge point with its connectors."""
    station = desk.api.get("api", "stations", identity)

    def words() -> None:
        for name, value in station.items():
            if not isinstance(value, list) and value not in (None, ""):
                click.echo(f"{name.replace('_', ' '):>20}  {cell(value)}")
        for plug in station["connectors"]:
            sample, running = plug["last_sample"] or {}, plug["transaction"] or {}
            plug["power_w"], plug["current_a"] = sample.get("power_w"), sample.get("current_a")
            plug["number"], plug["tag"] = running.get("id"), running.get("id_tag")
            plug["energy_wh"] = running.get("energy_wh")
        table(
            desk,
            station["connectors"],
            connector="connector_id",
            status="status",
            error="error_code",
            transaction="number",
            tag="tag",
            power_W="power_w",
            current_A="current_a",
            limit_A="limit_a",
            energy_Wh="energy_wh",
        )

    desk.show(station, words)


@click.command()
@click.argument("identity")
@click.pass_obj
def accept(desk: Desk, identity: str) -> None:
    """Accept a charge point that is pending."""
    station = desk.api.patch("api", "stations", identity, admission="accepted")
    desk.show(station, lambda: click.echo(f"{identity} is accepted"))


@click.group()
def tags() -> None:
    """Who may charge."""


@tags.command("list")
@click.option("--search", help="Part of the tag or of its note.")
@click.pass_obj
def list_tags(desk: Desk, search: str | None) -> None:
    """List tags."""
    found = list(desk.api.items("api", "tags", most=100_000, follow="after", search=search))
    desk.show(
        found,
        lambda: table(
            desk, found, tag="id_tag", status="status", group="parent_id_tag",
            expires="expires_at", note="note",
        ),
    )  # fmt: skip


@tags.command("add")
@click.argument("id_tag")
@click.option("--group", "parent", help="Tags of a group may stop each other's transactions.")
@click.option("--note", help="Whose it is.")
@click.pass_obj
def add_tag(desk: Desk, id_tag: str, parent: str | None, note: str | None) -> None:
    """Enter a tag."""
    added = desk.api.post("api", "tags", id_tag=id_tag, parent_id_tag=parent, note=note)
    desk.show(added, lambda: click.echo(f"{id_tag} may charge"))


@tags.command("block")
@click.argument("id_tag")
@click.option("--off", is_flag=True, help="Let it charge again.")
@click.pass_obj
def block_tag(desk: Desk, id_tag: str, off: bool) -> None:
    """Block a tag."""
    changed = desk.api.patch("api", "tags", id_tag, blocked=not off)
    desk.show(changed, lambda: click.echo(f"{id_tag}: {changed['status']}"))


@tags.command("remove")
@click.argument("id_tag")
@click.pass_obj
def remove_tag(desk: Desk, id_tag: str) -> None:
    """Forget a tag."""
    desk.api.delete("api", "tags", id_tag)
    desk.show(None, lambda: click.echo(f"{id_tag} is forgotten"))


@click.command()
@click.option("--station", help="Only of this station.")
@click.option("--running", is_flag=True, help="Only running ones.")
@click.option("--most", default=50, show_default=True, help="How many.")
@click.pass_obj
def transactions(desk: Desk, station: str | None, running: bool, most: int) -> None:
    """List transactions, newest first."""
    found = list(
        desk.api.items(
            "api",
            "transactions",
            most=most,
            follow="before",
            station=station,
            state="running" if running else None,
        )
    )
    desk.show(
        found,
        lambda: table(
            desk, found, id="id", station="station", connector="connector_id", tag="id_tag",
            state="state", started="started_at", stopped="stopped_at", energy_Wh="energy_wh",
            reason="stop_reason",
        ),
    )  # fmt: skip


@click.command()
@click.option("--station", help="Only of this station.")
@click.option("--most", default=50, show_default=True, help="How many.")
@click.pass_obj
def operations(desk: Desk, station: str | None, most: int) -> None:
    """List what was asked of stations, newest first."""
    found = list(desk.api.items("api", "operations", most=most, follow="before", station=station))
    for done in found:
        done["status"] = (done["answer"] or {}).get("status") or done["error"]
    desk.show(
        found,
        lambda: table(
            desk, found, id="id", station="station", action="action", outcome="outcome",
            status="status", asked_by="asked_by", asked="asked_at",
        ),
    )  # fmt: skip


@click.command()
@click.argument("what", type=click.Choice(["transactions", "messages"]))
@click.option("--station", help="Which station; needed for messages.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="A file.")
@click.pass_obj
def export(desk: Desk, what: str, station: str | None, output: Path | None) -> None:
    """Write transactions as CSV, or the messages of a station as JSON Lines."""
    if what == "messages":
        if station is None:
            raise click.UsageError("messages need --station")
        content = desk.api.text("api", "stations", station, "messages.jsonl")
    else:
        content = desk.api.text("api", "transactions.csv", station=station)
    if output is None:
        click.echo(content, nl=False)
    else:
        output.write_bytes(content)
        lines = content.count(b"\n")
        click.echo(f"{output}: {lines} lines")


@click.command()
@click.option("--station", help="Only of this station.")
@click.option("--kinds", help="Beginnings of kinds, with commas: transaction.,connector.status")
@click.pass_obj
def watch(desk: Desk, station: str | None, kinds: str | None) -> None:
    """Watch what happens, until Ctrl-C."""
    for kind, facts in desk.api.events(station=station, kinds=kinds):
        if desk.as_json:
            click.echo(json.dumps({"kind": kind, **facts}))
            continue
        moment, where = facts.pop("at")[11:19], facts.pop("station") or ""
        told = "  ".join(f"{n}={cell(v)}" for n, v in facts.items() if v is not None)
        click.echo(f"{moment}  {where:<16} {kind:<22} {told}")


@click.command()
@click.pass_obj
def ready(desk: Desk) -> None:
    """Whether charge points can be served; status 0 if so, else 1. Needs no token."""
    answer = desk.api.get("health", "ready")
    desk.show(answer, lambda: click.echo(answer["status"]))


LIST_COMMANDS: Final = (
    ready,
    list_stations,
    show,
    accept,
    tags,
    transactions,
    operations,
    export,
    watch,
)
