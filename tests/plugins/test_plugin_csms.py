"""``twistd ocpp-csms`` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.application.service import Application, IService
from twisted.logger import ILogObserver
from twisted.python import usage

from txocpp.csms.settings import Settings
from txocpp.plugins import configfile
from txocpp.plugins.csms import CentralSystemRoot, Options, makeService

ROOT = Path(__file__).resolve().parent.parent.parent


def parsed(*arguments: str) -> Options:
    """Options from a command line."""
    options = Options()
    options.parseOptions(list(arguments))
    return options


def test_without_options_it_listens_on_this_computer_only() -> None:
    """Charge points on 9000, people on 8080."""
    settings = parsed().settings
    assert settings.listen.ocpp == ("tcp:9000:interface=127.0.0.1",)
    assert settings.listen.http == "tcp:8080:interface=127.0.0.1"


def test_options_win_over_the_file(tmp_path: Path) -> None:
    """What is on the command line counts more than what is in the file."""
    config = tmp_path / "csms.toml"
    config.write_text('[listen]\nhttp = ""\nocpp = ["tcp:1"]\n[database]\nurl = "a"\n')
    settings = parsed(
        "-c", str(config), "-d", "b", "--ocpp", "tcp:2", "--ocpp", "tcp:3", "--http", "tcp:4"
    ).settings
    assert settings.listen.ocpp == ("tcp:2", "tcp:3")
    assert settings.listen.http == "tcp:4"
    assert settings.database.url == "b"
    assert parsed("-c", str(config)).settings.listen.http == ""


def test_the_example_names_everything_and_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    """It changes nothing as it is, and is the file in the documentation."""
    with pytest.raises(SystemExit) as ended:
        parsed("--print-example")
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert configfile.loads(text, Settings) == Settings()
    assert (ROOT / "docs" / "ocpp-csms.toml").read_text() == text


def test_a_configuration_can_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Good or not, nothing is started and nothing is made."""
    database = tmp_path / "central.sqlite3"
    with pytest.raises(SystemExit) as ended:
        parsed("--check", "-d", str(database))
    assert ended.value.code == 0
    assert "good" in capsys.readouterr().out
    assert not database.exists()
    with pytest.raises(SystemExit, match=r"ocpp-csms: listen\.http: 'nonsense' is no endpoint"):
        parsed("--check", "--http", "nonsense", "-d", str(database))
    with pytest.raises(SystemExit, match=r"ocpp-csms: listen\.ocpp: 'tpc:1' is no endpoint"):
        makeService(parsed("--ocpp", "tpc:1", "-d", str(database)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[listen]\nport = 1\n", r"line 2: \[listen\] has no option 'port'"),
        ('[stations]\nadmit = "some"\n', r"line 2: stations\.admit"),
        ("[listen\n", "line 1"),
        ('[listen]\nocpp = ["tpc:1"]\n', "line 2: listen.ocpp: 'tpc:1' is no endpoint"),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_line(tmp_path: Path, text: str, words: str) -> None:
    """The program ends with one line that says what and where."""
    config = tmp_path / "csms.toml"
    config.write_text(text)
    with pytest.raises(SystemExit, match=f"ocpp-csms: .*csms.toml: .*{words}"):
        parsed("-c", str(config), "--check")


def test_the_log_can_be_json(tmp_path: Path) -> None:
    """For programs; other words are refused."""
    root = makeService(parsed("--log-format", "json", "-d", str(tmp_path / "x")))
    application = Application("test")
    root.setServiceParent(application)
    assert ILogObserver(application, None) is not None
    with pytest.raises(usage.UsageError, match="text, json"):
        parsed("--log-format", "xml")


def test_a_central_system_that_cannot_start_ends_the_program(tmp_path: Path) -> None:
    """With one line and a status that is not 0."""
    root = makeService(parsed("-d", str(tmp_path / "no" / "folder"), "--http", ""))
    assert IService.providedBy(root)
    assert isinstance(root, CentralSystemRoot)
    with pytest.raises(SystemExit, match="ocpp-csms: unable to open"):
        root.startService()
