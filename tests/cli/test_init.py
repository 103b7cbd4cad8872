"""`maild init`: a configuration that works, a secret nobody else reads, and nothing overwritten."""

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from maild.config import load
from maild.core.policy import Text
from tests.cli.conftest import run_here
from tests.servers import ROOT, free_port

TEAM = ("--team", "team@office.example")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_writes_a_configuration_that_loads_and_ends_with_a_check(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "desk"
    ran = run_here("init", str(folder), "--mailbox", "Help@Firma.example", *TEAM, "--relay", "maildir:letters")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith(f"then `maild serve --config {folder}/config.toml`\n")
    assert "ok       config:" in ran.stdout
    assert "SENDERS ARE NOT VERIFIED" in ran.stdout
    config = load(folder / "config.toml")
    (category,) = config.policy().categories
    assert (category.key, category.address) == ("support", "help@firma.example")
    assert category.team == ("team@office.example",)
    assert category.title == Text(ru="Поддержка", en="Support")
    assert config.outbound.relay == f"maildir:{folder}/letters"
    assert config.database == folder / "maild.db"
    assert len(config.secrets()[0]) >= 32


def test_nobody_else_reads_what_it_writes(tmp_path: Path) -> None:
    run_here("init", str(tmp_path / "desk"), *TEAM, "--yes")
    assert mode(tmp_path / "desk") == 0o700
    assert {mode(path) for path in (tmp_path / "desk").iterdir()} == {0o600}


def test_two_desks_have_two_secrets(tmp_path: Path) -> None:
    for name in "ab":
        run_here("init", str(tmp_path / name), *TEAM, "--yes")
    assert (tmp_path / "a/secret").read_text() != (tmp_path / "b/secret").read_text()


@pytest.mark.parametrize("name", ["config.toml", "secret"])
def test_it_overwrites_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    ran = run_here("init", str(tmp_path), "--yes")
    assert (ran.returncode, ran.stdout) == (73, "")
    assert ran.stderr == f"maild: {tmp_path}/{name} exists already, and nothing is overwritten\n"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_every_option_stands_in_the_configuration(tmp_path: Path) -> None:
    ran = run_here(
        *("init", str(tmp_path), "--mailbox", "billing@firma.example", "--team", "anna@office.example"),
        *("--name", 'Бюро "Кактус"', "--category", "billing", "--title", "Счета", "--language", "en"),
        *("--timezone", "Europe/Moscow", "--public-url", "https://help.firma.example", "--relay", "maildir:letters"),
    )
    assert ran.returncode == 0
    policy = load(tmp_path / "config.toml").policy()
    assert (policy.name, policy.language, policy.timezone) == ('Бюро "Кактус"', "en", "Europe/Moscow")
    assert policy.public_url == "https://help.firma.example"
    assert policy.categories[0].title == Text(ru="Счета", en="Счета")
    assert policy.categories[0].team == ("anna@office.example",)


def test_an_error_of_the_closing_check_is_its_exit_status_though_both_files_are_written(tmp_path: Path) -> None:
    relay = f"smtp://127.0.0.1:{free_port()}"
    ran = run_here("init", str(tmp_path), *TEAM, "--relay", relay)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert f"error    relay:     {relay}: Connection refused" in ran.stdout
    assert "The files are written, but the check has found errors" in ran.stdout
    assert ran.stdout.endswith(f"then `maild check --config {tmp_path}/config.toml`\n")
    assert {path.name for path in tmp_path.iterdir()} == {"config.toml", "secret"}


@pytest.mark.parametrize("asked", [(), ("--yes",)])
def test_where_support_reads_is_not_made_up(tmp_path: Path, asked: tuple[str, ...]) -> None:
    ran = run_here("init", str(tmp_path / "desk"), "--mailbox", "help@firma.example", *asked)
    assert (ran.returncode, ran.stdout) == (64, "")
    assert "--team ADDRESS is required: where support reads" in ran.stderr
    assert not (tmp_path / "desk").exists()


def test_support_does_not_read_where_customers_write(tmp_path: Path) -> None:
    ran = run_here("init", str(tmp_path / "desk"), "--mailbox", "help@firma.example", "--team", "Help@Firma.example")
    assert (ran.returncode, ran.stdout) == (64, "")
    assert "help@firma.example is where customers write" in ran.stderr
    assert not (tmp_path / "desk").exists()


def test_an_address_that_is_none_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    ran = run_here("init", str(tmp_path / "desk"), "--mailbox", "help")
    assert (ran.returncode, "is not an address" in ran.stderr) == (64, True)
    assert not (tmp_path / "desk").exists()


def test_on_a_terminal_it_asks_and_asks_again(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "maild", "init", str(tmp_path / "desk")]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT) as running:
        os.close(theirs)
        os.write(ours, "help\nhelp@firma.example\n\nteam@office.example\nКактус\n\nmaildir:letters\n".encode())
        said = running.communicate(timeout=240)[0].decode()
    os.close(ours)
    assert running.returncode == 0, said
    assert "is not an address" in said
    config = load(tmp_path / "desk/config.toml")
    assert (config.desk.name, config.desk.language) == ("Кактус", "ru")
    assert config.category[0].team == ("team@office.example",)
