"""``twistd ocpp-cp``: options, configuration files and the words about what is wrong in them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from twisted.application.service import IService

from txocpp.chargepoint.keys import EXTRA_KEYS, STANDARD_KEYS
from txocpp.chargepoint.options import state_path
from txocpp.plugins.chargepoint import Options, example, makeService

ROOT = Path(__file__).resolve().parents[2]


def parsed(*arguments: str) -> Options:
    """Options from a command line."""
    options = Options()
    options.parseOptions(list(arguments))
    return options


def file(folder: Path, text: str) -> str:
    """A configuration file with this text."""
    path = folder / "cp.toml"
    path.write_text(text)
    return str(path)


def ends(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str]:
    """How a run that ends at once ends: its status or last words, and what it printed."""
    with pytest.raises(SystemExit) as ended:
        parsed(*arguments)
    return ended.value.code, capsys.readouterr().out


def test_without_options_it_is_a_simulated_charge_point() -> None:
    """One simulated EVSE, at a central system on this machine."""
    settings = parsed().settings
    assert settings.station.identity == "CP-1"
    assert settings.central_system.url == "ws://127.0.0.1:9000/ocpp"
    assert IService.providedBy(makeService(parsed("-s", ":memory:")))


def test_options_win_over_the_file(tmp_path: Path) -> None:
    """What is on the command line counts more than what is in the file."""
    config = file(
        tmp_path, '[station]\nidentity = "A"\nmodel = "M"\n[storage]\npath = "somewhere"\n'
    )
    settings = parsed("-c", config, "-i", "B", "-u", "wss://h/x", "-s", ":memory:").settings
    assert (settings.station.identity, settings.station.model) == ("B", "M")
    assert settings.central_system.url == "wss://h/x"
    assert settings.storage.path == ":memory:"


def test_the_example_names_everything_and_is_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every option and key is in the printed example, and the example loads as it is."""
    code, printed = ends(capsys, "--print-example")
    assert (code, printed) == (0, example())
    for key in STANDARD_KEYS + EXTRA_KEYS:
        assert f"#{key.name} = " in printed
    assert ends(capsys, "-c", file(tmp_path, printed), "--check") == (
        0,
        "the configuration is good\n",
    )


def test_the_example_is_good_with_every_default_spelt_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Taking the marks away from the defaults gives the same charge point again."""
    lines = []
    for line in example().splitlines():
        bare = line.removeprefix("#")
        option = bare.partition(" = ")[0]
        spelt_out = bare.startswith("[[") or (" " not in option and " = " in bare)
        lines.append(bare if spelt_out else line)
    text = "\n".join(lines)
    tomllib.loads(text)
    assert ends(capsys, "-c", file(tmp_path, text), "--check")[0] == 0


def test_the_example_in_the_docs_is_the_one_that_is_printed() -> None:
    """docs/ocpp-cp.toml is what --print-example prints."""
    assert (ROOT / "docs" / "ocpp-cp.toml").read_text() == example()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[station]\nidentiti = "X"', 2, "did you mean 'identity'"),
        ("[station]\n\nidentity = 3", 3, "station.identity"),
        ("[configuration]\n# first\nHeartbeatInterval = -3", 3, "HeartbeatInterval cannot be -3"),
        ("[configuration]\nHeartbeet = 1", 2, "'Heartbeet' is no configuration key"),
        ("[smart_charging]\nvalid_to_inclusive = 3", 2, "valid_to_inclusive"),
        ("[[device]]\nsettings = { car_max = 3 }", 2, "device 1: car_max: no such setting"),
        ('[[device]]\ntype = "evlink"', 0, "device 1: link"),
        ('[central_system]\nurl = "http://x"', 2, "[central_system] url: 'http://x'"),
        ('[central_system]\npassword = "a"\nauthorization_key = "00"', 2, "only one of"),
        ('[central_system]\npassword_file = "/no/such"', 0, "cannot read /no/such"),
        ('[simulation]\ncontrol = "tcp:1:interface=0.0.0.0"', 0, "0.0.0.0"),
        ('[status]\nlisten = "tcp:x"', 0, "'x'"),
        ('[behaviour]\nleft_out_keys = ["HeartbeatInterval"]', 0, "no optional configuration key"),
        ("[station\n", 0, "line 1"),
    ],
)
def test_mistakes_are_named_with_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, line: int, words: str
) -> None:
    """The file, the line where it can be told, and what is wrong."""
    config = file(tmp_path, text)
    code, _ = ends(capsys, "-c", config, "--check")
    assert str(code).startswith(f"ocpp-cp: {config}")
    assert words in str(code)
    if line:
        assert f"line {line}:" in str(code)


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """The missing file is named."""
    assert "nowhere.toml" in str(ends(capsys, "-c", "nowhere.toml")[0])


def test_an_unknown_log_format() -> None:
    """Only text and json are known."""
    from twisted.python.usage import UsageError

    with pytest.raises(UsageError, match="text, json"):
        parsed("-l", "xml")


def test_where_the_journal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """In systemd's state folder, or at home; the identity makes a safe file name."""
    settings = parsed("-i", "A/B 1").settings
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/x:/other")
    assert state_path(settings) == Path("/var/lib/x/A_B_1.sqlite3")
    monkeypatch.delenv("STATE_DIRECTORY")
    assert state_path(settings) == Path("~/.local/state/txocpp/A_B_1.sqlite3").expanduser()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('endpoint = "foo:1"', "'foo:1' is no endpoint"),
        ('url = "wss://h/x"\ntrust_roots = "/nowhere.pem"', "/nowhere.pem"),
        (
            'url = "wss://h/x"\ncertificate = "/nowhere.pem"\nprivate_key = "/nowhere.pem"',
            "/nowhere.pem",
        ),
    ],
)
def test_a_connection_that_can_never_be_is_found_by_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    """Missing certificates and impossible endpoints are told before the start."""
    config = file(tmp_path, f"[central_system]\n{line}\n")
    status, _ = ends(capsys, "--check", "-c", config)
    assert words in str(status)
    assert "[central_system]" in str(status)


def test_a_check_tells_what_is_odd_but_possible(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A measurand that the device does not deliver is left out later; the check says so."""
    config = tmp_path / "cp.toml"
    config.write_text('[configuration]\nMeterValuesSampledData = "Voltage,RPM"\n')
    with pytest.raises(SystemExit) as ended:
        Options().parseOptions(["-c", str(config), "--check"])
    assert ended.value.code == 0
    shown = capsys.readouterr()
    assert shown.err == "warn: MeterValuesSampledData: connector 1 does not measure RPM\n"
    assert shown.out == "the configuration is good\n"


def test_a_charge_point_has_a_name() -> None:
    """An empty one is refused, wherever it stands."""
    with pytest.raises(SystemExit, match="ocpp-cp: --identity: a charge point has a name"):
        Options().parseOptions(["-i", ""])
