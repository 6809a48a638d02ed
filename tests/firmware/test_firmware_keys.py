"""Who may tell a charger what to do: keys, proofs, replays, and a second host."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from firmware_rig import KEY, Host, Refused, hmac_of

Make = Callable[..., Host]


def on_network(cable: Host) -> Host:
    """A new TCP connection to the charger behind this cable."""
    line = cable.engine.command({"do": "connect"})["line"]
    return Host(cable.engine, key=cable.key, line=line)


@pytest.fixture
def keyed(bench: Make) -> Host:
    """A host on a cable to a charger with a key, not yet greeted."""
    host = bench(key=KEY.hex())
    host.run(120)
    return host


def test_both_prove_the_key_and_go_on_sealed(keyed: Host) -> None:
    """After the proofs every frame carries an HMAC of the session's own keys."""
    keyed.hello()
    keyed.ask("limit", c=1, ma=10000)
    assert all(len(frame.rpartition("*")[2]) == 16 for frame in keyed.frames[-2:])


def test_a_host_with_the_wrong_key_gets_nowhere(keyed: Host) -> None:
    """A wrong proof is refused, and there is no session."""
    keyed.run(0)
    wrong = Host(keyed.engine, key=b"?" * 32)
    greeting = wrong._ask("hello", {"v": [1], "h": "x", "n": "00" * 16}, counter=0)
    assert greeting["auth"] == 1
    with pytest.raises(Refused, match="Auth"):
        wrong.ask("auth", p="00" * 16)
    with pytest.raises(Refused, match="NoSession"):
        wrong.ask("limit", c=1, ma=16000)


def test_a_host_without_a_key_learns_who_is_there_and_no_more(keyed: Host) -> None:
    """A greeting without a nonce is answered without a proof, and opens nothing."""
    stranger = Host(keyed.engine)
    greeting = stranger.hello()
    assert greeting["id"] == "esp8266-00a1b2c3"
    assert "p" not in greeting
    with pytest.raises(Refused, match="NoSession"):
        stranger.ask("limit", c=1, ma=16000)
    with pytest.raises(Refused, match="Auth"):
        stranger.ask("auth", p="")


def test_a_host_that_shows_no_nonce_can_prove_nothing(keyed: Host) -> None:
    """Half of what makes a session's keys fresh would be missing, even with the right key."""
    greeting = keyed._ask("hello", {"v": [1], "h": "x"}, counter=0)
    proof = hmac_of(KEY, b"H" + bytes.fromhex(greeting["n"]))[:16]
    with pytest.raises(Refused, match="Auth"):
        keyed.ask("auth", p=proof.hex())


@pytest.mark.parametrize("nonce", ["00", "00" * 15, "00" * 17])
def test_a_nonce_of_another_length_is_refused(keyed: Host, nonce: str) -> None:
    """Sixteen bytes, no more and no less."""
    with pytest.raises(Refused, match="BadArg"):
        keyed._ask("hello", {"v": [1], "h": "x", "n": nonce}, counter=0)


def test_three_wrong_proofs_earn_a_pause(keyed: Host) -> None:
    """After the third wrong proof greetings are refused for five seconds."""
    wrong = Host(keyed.engine, key=b"?" * 32)
    for _ in range(3):
        wrong._ask("hello", {"v": [1], "h": "x", "n": "00" * 16}, counter=0)
        wrong._counter = 0
        with pytest.raises(Refused, match="Auth"):
            wrong.ask("auth", p="00" * 16)
    with pytest.raises(Refused, match="Auth"):
        keyed.hello()
    keyed.run(5000)
    keyed.hello()


def test_a_repeated_greeting_gets_the_same_nonce(keyed: Host) -> None:
    """A host that did not hear the answer asks again; its late proof is still right."""
    words = {"v": [1], "h": "test", "n": bytes(range(16)).hex()}
    first = keyed._ask("hello", words, counter=0)
    second = keyed._ask("hello", words, counter=0)
    assert first["n"] == second["n"]
    keyed.prove(first)
    assert keyed.ask("ping")["bad"] == 0


def test_a_recorded_session_is_worth_nothing(keyed: Host) -> None:
    """Replayed frames are dropped: in the session by the counter, in the next one by its keys."""
    keyed.hello()
    recorded = keyed.frame([2, keyed.next_id(), "limit", {"c": 1, "ma": 20000}])
    keyed.run(20, recorded)
    keyed.ask("limit", c=1, ma=6000)
    keyed.run(20, recorded)
    assert keyed.ask("status", c=1)["lim"] == 6000
    keyed.hello()
    keyed.run(20, recorded)
    assert keyed.ask("status", c=1)["lim"] == 6000


def test_a_recorded_greeting_and_proof_open_nothing(keyed: Host) -> None:
    """The charger's nonce is new each time, so an old proof is a wrong one."""
    words = {"v": [1], "h": "test", "n": bytes(range(16)).hex()}
    keyed.prove(keyed._ask("hello", words, counter=0))
    proof = keyed.frame([2, 2, "auth", {"p": "00" * 16}])
    keyed.run(20, proof)
    keyed._to_device = None
    keyed._ask("hello", words, counter=0)
    keyed.run(20, proof)
    frames = len(keyed.frames)
    keyed.run(20, keyed.frame([2, 9, "limit", {"c": 1, "ma": 16000}], counter=40))
    assert "NoSession" in keyed.frames[-1]
    assert len(keyed.frames) == frames + 1


def test_a_plain_frame_in_a_sealed_session_is_dropped(keyed: Host) -> None:
    """Nobody can slip an unsealed request in, however its counter is chosen."""
    keyed.hello()
    sealed_with, keyed._to_device = keyed._to_device, None
    frames = len(keyed.frames)
    keyed.run(40, keyed.frame([2, keyed.next_id(), "limit", {"c": 1, "ma": 16000}], counter=99))
    assert len(keyed.frames) == frames
    keyed._to_device = sealed_with
    assert keyed.ask("ping")["bad"] == 1


def test_a_plain_greeting_does_not_disturb_the_sealed_session(keyed: Host) -> None:
    """Whoever shouts hello on the line gets an answer; the host's session goes on."""
    keyed.hello()
    Host(keyed.engine)._ask("hello", {"v": [1], "h": "x"}, counter=0)
    assert keyed.ask("ping")["bad"] == 0


def test_a_network_host_needs_a_key(bench: Make) -> None:
    """A charger without a key has no session for the network, only for the cable."""
    cable = bench()
    cable.run(120)
    with pytest.raises(Refused, match="Auth"):
        on_network(cable).hello()


def test_a_network_host_may_be_plain_if_the_owner_wants_it_so(bench: Make) -> None:
    """`insecure` in the board's configuration opens the network to everybody."""
    cable = bench(insecure=True)
    cable.run(120)
    host = on_network(cable)
    host.hello()
    assert host.ask("limit", c=1, ma=10000)["why"] == "host"


def test_only_a_proven_newcomer_takes_over(keyed: Host) -> None:
    """A second connection changes nothing until it has proved the key; then the first is closed."""
    first, second = on_network(keyed), on_network(keyed)
    first.hello()
    second._ask("hello", {"v": [1], "h": "x", "n": "00" * 16}, counter=0)
    first.ask("ping")
    second.hello()
    first.run(100)
    assert first.closed
    assert second.ask("ping")["bad"] == 0


def test_a_newcomer_who_does_not_greet_is_sent_away(keyed: Host) -> None:
    """Five seconds are enough for a handshake; the host in session notices nothing."""
    first, idler = on_network(keyed), on_network(keyed)
    first.hello()
    idler.run(4000)
    assert not idler.closed
    idler.run(1500)
    assert idler.closed
    assert first.ask("ping")["bad"] == 0


def test_a_third_connection_is_closed_at_once(keyed: Host) -> None:
    """One session and one newcomer are all that there is room for."""
    first = on_network(keyed)
    first.hello()
    on_network(keyed).run(20)
    third = on_network(keyed)
    third.run(40)
    assert third.closed


def test_the_key_is_set_over_the_cable_only(bench: Make) -> None:
    """Without a key the cable may set one; with one, only while the button is pressed."""
    cable = bench()
    cable.run(120)
    cable.hello()
    cable.ask("key", k=KEY.hex())
    with pytest.raises(TimeoutError):
        cable.ask("ping")
    cable.key = KEY
    cable.hello()
    with pytest.raises(Refused, match="Denied"):
        cable.ask("key", k="11" * 32)
    host = on_network(cable)
    host.hello()
    cable.engine.command({"do": "button", "on": 1})
    with pytest.raises(Refused, match="Denied"):
        host.ask("key", k="11" * 32)


def test_who_has_lost_the_key_needs_the_button(keyed: Host) -> None:
    """At the cable, with the button pressed, whoever cannot prove anything may set a key."""
    stranger = Host(keyed.engine)
    stranger.hello()
    with pytest.raises(Refused, match="NoSession"):
        stranger.ask("key", k="11" * 32)
    keyed.engine.command({"do": "button", "on": 1})
    stranger.ask("key", k="11" * 32)
    keyed.key = b"\x11" * 32
    keyed.hello()


def test_a_new_key_ends_the_session_under_the_old_one(keyed: Host) -> None:
    """Whoever knew the old key is out, at once."""
    host = on_network(keyed)
    host.hello()
    keyed.engine.command({"do": "button", "on": 1})
    stranger = Host(keyed.engine)
    stranger.hello()
    stranger.ask("key", k="11" * 32)
    with pytest.raises((TimeoutError, RuntimeError)):
        host.ask("ping")


def test_the_key_is_not_written_while_the_contactor_is_closed(bench: Make) -> None:
    """A flash write stops everything for a tenth of a second, so it waits."""
    host = bench()
    host.charging()
    with pytest.raises(Refused, match="Busy"):
        host.ask("key", k=KEY.hex())
