"""What the charger keeps in its flash: settings that survive a power cut, and two slots."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import slot
from firmware_rig import KEY, Host, InThisPython, Refused
from store import Store


@pytest.fixture(autouse=True)
def flash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slots are in the test's own folder."""
    monkeypatch.setattr(slot, "FOLDER", str(tmp_path))


def test_settings_survive(tmp_path: Path) -> None:
    """What was saved is there at the next start, the rest is safe."""
    store = Store(str(tmp_path))
    store.put("fb", 8000)
    assert store.dirty
    store.save()
    again = Store(str(tmp_path))
    assert (again.get("fb"), again.get("boot"), again.dirty) == (8000, 0, False)


def test_a_cut_at_any_byte_leaves_the_old_settings_or_the_new(tmp_path: Path) -> None:
    """Half a file is not believed, whichever half; the one before it is."""
    store = Store(str(tmp_path))
    store.put("fb", 7000)
    store.save()
    old = (tmp_path / "settings").read_bytes()
    store.put("fb", 9000)
    store.save()
    new = (tmp_path / "settings").read_bytes()
    for length in range(len(new)):
        (tmp_path / "settings").write_bytes(old)
        (tmp_path / "settings.new").write_bytes(new[:length])
        assert Store(str(tmp_path)).get("fb") == 7000
        (tmp_path / "settings").write_bytes(new[:length])
        (tmp_path / "settings.new").write_bytes(new)
        assert Store(str(tmp_path)).get("fb") == 9000


@pytest.mark.parametrize("words", ["", "garbage", "00000000{}", "0" * 500, "\x00"])
def test_damaged_settings_are_replaced_by_safe_ones(tmp_path: Path, words: str) -> None:
    """Nothing is guessed: no fallback, no boot current, no key."""
    (tmp_path / "settings").write_text(words)
    store = Store(str(tmp_path))
    assert store.damaged
    assert (store.get("fb"), store.get("boot"), store.get("key")) == (0, 0, "")


def test_a_setting_of_the_wrong_type_is_not_believed(tmp_path: Path) -> None:
    """A file of another firmware may know other things; what fits is taken."""
    from store import _sum

    words = '{"fb": "much", "boot": 6000, "new": 1}'
    (tmp_path / "settings").write_text(_sum(words) + words)
    store = Store(str(tmp_path))
    assert (store.get("fb"), store.get("boot")) == (0, 6000)


def test_damage_is_told_to_the_first_host(tmp_path: Path) -> None:
    """The owner's settings are gone: the host's log says so, once."""
    engine = InThisPython(tmp_path)
    host = Host(engine)
    (Path(engine.bench.board.folder) / "settings").write_text("nonsense")
    engine.command({"do": "reboot"})
    host.run(200)
    host.hello()
    host.run(1000)
    logs = [data for name, data in host.events if name == "log"]
    assert len(logs) == 1
    assert "damaged" in logs[0]["m"]


def image(**files: bytes) -> bytes:
    """An update as a host would send it."""
    parts = [b"txocpp-image 1\n"]
    for name, content in files.items():
        parts += [f"{name}.mpy {len(content)}\n".encode(), content]
    return b"".join(parts)


def claim(data: bytes, version: str = "0.2.0", key: bytes = b"") -> dict[str, object]:
    """What `begin` says about an image."""
    digest = hashlib.sha256(data).digest()
    args = {"op": "begin", "size": len(data), "sha": digest.hex(), "ver": version}
    if key:
        words = b"U" + digest + f"{len(data)} {version}".encode()
        args["mac"] = hmac.new(key, words, hashlib.sha256).digest()[:16].hex()
    return args


def send(host: Host, data: bytes) -> None:
    """All of an image, 128 bytes a frame."""
    for off in range(0, len(data), 128):
        piece = base64.b64encode(data[off : off + 128]).decode()
        assert host.ask("ota", op="data", off=off, b64=piece)["off"] == min(off + 128, len(data))
        host.run(40)


NEW = image(app=os.urandom(700), outlet=b"x" * 128, charger=b"\n" * 77)


def test_an_update_goes_into_the_other_slot_and_restarts(tmp_path: Path) -> None:
    """Every file arrives byte for byte; the slot file says that it shall be tried."""
    host = Host(InThisPython(tmp_path))
    host.run(120)
    host.hello()
    host.ask("ota", **claim(NEW))
    send(host, NEW)
    assert host.ask("ota", op="end")["off"] == len(NEW)
    folder = Path(host.engine.bench.board.folder)  # type: ignore[attr-defined]
    assert (folder / "slot").read_text() == "ab"
    assert (folder / "b" / "outlet.mpy").read_bytes() == b"x" * 128
    assert (folder / "b" / "charger.mpy").read_bytes() == b"\n" * 77
    host.run(400)
    assert host.starts == 2


def test_an_update_comes_through_a_bad_line(host: Host) -> None:
    """Frames that are lost or doubled cost time, not bytes."""
    host.ask("ota", **claim(NEW))
    off = 0
    while off < len(NEW):
        host.engine.command({"do": "lose", "frames": 1})
        piece = base64.b64encode(NEW[off : off + 128]).decode()
        message = [2, host.next_id(), "ota", {"op": "data", "off": off, "b64": piece}]
        host.run(100, host.frame(message))
        host.run(100, host.frame(message))
        off = host.answer(host._id)["off"]
    assert host.ask("ota", op="end")["off"] == len(NEW)


def test_nothing_closes_while_an_update_runs(host: Host) -> None:
    """A car that asks has to wait, until the update is over or the host has gone away."""
    host.ask("ota", **claim(NEW))
    host.plant(car="C")
    host.ask("limit", c=1, ma=16000, ttl=600)
    host.ask("gate", c=1, on=1)
    host.run(50000)
    assert not host.truth()["closed"]
    host.run(15000)
    assert host.truth()["closed"]
    with pytest.raises(Refused, match="Busy"):
        host.ask("ota", **claim(NEW))


def test_another_host_waits_for_the_end_of_an_update(bench: Callable[..., Host]) -> None:
    """A charge point that knocks meanwhile does not push out whoever carries new firmware; a host
    that has gone away in the midst of it keeps nobody waiting for longer than a minute."""
    cable = bench(insecure=True)
    cable.run(120)
    cable.hello()
    cable.ask("ota", **claim(NEW))

    def newcomer() -> Host:
        return Host(cable.engine, line=cable.engine.command({"do": "connect"})["line"])

    with pytest.raises(Refused, match="Busy"):
        newcomer().hello()
    assert cable.ask("ota", op="data", off=1, b64="AAAA")["off"] == 0
    cable.run(60100)
    newcomer().hello()


@pytest.mark.parametrize(
    "data",
    [
        b"something else entirely, and long enough",
        image(app=b"1234")[:-1],
        image(app=b"1234") + b"../evil.mpy 4\n1234",
        b"txocpp-image 1\nmain.py 4\n1234",
        b"txocpp-image 1\n../x.mpy 4\n1234",
        b"txocpp-image 1\nx.mpy -4\n1234",
        b"txocpp-image 1\nx.mpy many\n1234",
        b"txocpp-image 1\n" + b"x" * 200,
    ],
)
def test_a_wrong_image_is_refused(host: Host, data: bytes) -> None:
    """What does not hold to the form never becomes a slot, and the charger goes on."""

    def offer() -> None:
        host.ask("ota", **claim(data))
        send(host, data)
        host.ask("ota", op="end")

    with pytest.raises(Refused, match="BadArg"):
        offer()
    host.run(400)
    assert host.starts == 1
    assert host.ask("ping")["bad"] == 0


def test_another_sum_is_refused(host: Host) -> None:
    """The bytes that came are not those that were promised."""
    promised = claim(image(app=b"4321"))
    host.ask("ota", **promised)
    send(host, image(app=b"1234"))
    with pytest.raises(Refused, match="BadArg"):
        host.ask("ota", op="end")


def test_under_a_key_an_update_needs_its_proof(bench: Callable[..., Host]) -> None:
    """Size, version and sum are signed with the shared key."""
    host = bench(key=KEY.hex())
    host.run(120)
    host.hello()
    for wrong in (claim(NEW), claim(NEW, key=b"?" * 32), {**claim(NEW, key=KEY), "ver": "9"}):
        with pytest.raises(Refused, match="Auth"):
            host.ask("ota", **wrong)
    assert host.ask("ota", **claim(NEW, key=KEY))["off"] == 0


def test_a_new_slot_is_tried_once_and_kept_if_a_host_was_heard(tmp_path: Path) -> None:
    """Pending, on trial, confirmed."""
    assert slot.choose() == "a"
    (tmp_path / "slot").write_text("ab")
    assert slot.choose() == "b"
    assert slot.trial()
    slot.confirm()
    assert slot.choose() == "b"
    assert not slot.trial()


def test_a_new_slot_that_found_no_host_is_given_up(tmp_path: Path) -> None:
    """The second start of a trial is its end."""
    (tmp_path / "slot").write_text("ba")
    assert slot.choose() == "a"
    assert slot.choose() == "b"
    assert slot.choose() == "b"


@pytest.mark.parametrize("words", ["", "c", "aab", "a\n", "\x00"])
def test_a_damaged_slot_file_means_the_first_slot(tmp_path: Path, words: str) -> None:
    """The one that came with the board is always there."""
    (tmp_path / "slot").write_text(words)
    assert slot.choose() == "a"


@pytest.mark.parametrize("heard", [True, False])
def test_a_trial_ends_after_two_minutes_without_a_host(tmp_path: Path, heard: bool) -> None:
    """The running firmware confirms itself when it is greeted, and restarts if it never is."""
    engine = InThisPython(tmp_path)
    board = engine.bench.board
    confirmed = []
    board.on_trial = lambda: True
    board.confirm = lambda: confirmed.append(True)
    engine.command({"do": "reboot"})
    host = Host(engine)
    host.run(100000)
    if heard:
        host.hello()
    host.run(25000)
    assert confirmed == [True] * heard
    assert host.starts == (2 if heard else 3)
