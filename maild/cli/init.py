"""`maild init`: a configuration and a secret to begin with."""

import json
import os
import secrets
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import click

from maild.cli.check import run_checks
from maild.cli.exits import InTheWay

_CONFIG = """\
# The configuration of maild. Paths are relative to this file; every key is told in config.example.toml.
# After a change: `maild check`.

[desk]
name = {name}
language = {language}
timezone = {timezone}
# Where customers reach the action links, "https://help.example.com"; "" = letters carry none.
public_url = {public_url}
# Database and secret. Keep both, and let nobody else read them.
state_dir = "."
secret_file = "secret"

[smtp]
# Put maild behind your MTA, or let it listen on port 25 itself.
listen = ["127.0.0.1:2525"]
# The MTAs in front of it: what they say of senders counts.
trusted_peers = ["127.0.0.1"]

[trust]
# What your MTA calls itself in Authentication-Results fields. Without it senders are not verified!
#authserv_id = "mx.example.com"

[http]
listen = ["127.0.0.1:8080"]

[outbound]
# Where letters go: "smtp://host:port", "smtps://host:port", or "maildir:DIRECTORY" for a trial.
relay = {relay}

[[category]]
key = {category}
title = {title}
# Where customers write.
address = {mailbox}
# Where support reads: mailboxes, not an address of the desk.
team = [{team}]

# A person of support, who may answer from an address of his own.
#[[agent]]
#address = "anna@example.com"
#name = "Anna"
"""
_CATEGORY = "support"
_TITLE = '{ru = "Поддержка", en = "Support"}'


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--mailbox", metavar="ADDRESS", help="Where customers write; support@ this domain otherwise.")
@click.option("--team", metavar="ADDRESS", help="Where support reads, another mailbox: required without questions.")
@click.option("--name", help="How the desk calls itself; the domain otherwise.")
@click.option("--category", metavar="KEY", default=_CATEGORY, show_default=True, help="Short name of the category.")
@click.option("--title", help="What customers read for the category; its key otherwise.")
@click.option("--language", type=click.Choice(["ru", "en"]), help="Language of people whose own is not known.")
@click.option("--timezone", default="UTC", show_default=True, help="Time zone of the times in letters.")
@click.option("--public-url", default="", metavar="URL", help="Where customers reach the action links.")
@click.option("--relay", metavar="URL", help="Where letters go; smtp://127.0.0.1:25 otherwise.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.pass_context
def init(context: click.Context, /, folder: Path, yes: bool, **given: str | None) -> None:
    """Write a configuration and a secret to DIR, and check them.

    On a terminal it asks for what is not given. Ends as `maild check` does.
    """
    config, secret = folder / "config.toml", folder / "secret"
    for path in (config, secret):
        if path.exists():
            raise InTheWay(f"{path} exists already, and nothing is overwritten")
    answers = _answers(given, asks=not yes and sys.stdin.isatty())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(secret, secrets.token_urlsafe(48) + "\n")
    _write(config, _CONFIG.format(**answers))
    click.echo(f"{config}: written\n{secret}: written\n")
    status = run_checks(config)
    click.echo(f"\n{_next(config, is_well=status == 0)}")
    context.exit(status)


def _next(config: Path, *, is_well: bool) -> str:
    if is_well:
        return f"Next: look through {config}, then `maild serve --config {config}`"
    return (
        "Both files are written, but the check has found errors, see above.\n"
        f"Next: correct {config}, then `maild check --config {config}`"
    )


def _answers(given: dict[str, str | None], *, asks: bool) -> dict[str, str]:
    """Every value as TOML writes it."""
    from maild.config_values import read_address

    def answer(key: str, question: str, default: str | None, read: Callable[[str], str]) -> str:
        if given[key] is not None:
            return _read(key, read)(given[key] or "")
        if asks:
            return str(click.prompt(question, default=default, value_proc=_read(key, read)))
        if default is None:
            raise click.UsageError(f"--{key} ADDRESS is required: {question[0].lower()}{question[1:]}")
        return read(default)

    def read_team(value: str) -> str:
        team = read_address(value)
        if team == mailbox:
            raise ValueError(f"{team} is where customers write; support reads in another mailbox")
        return team

    domain = socket.getfqdn().partition(".")[2] or "example.com"
    mailbox = answer("mailbox", "Where customers write", f"support@{domain}", read_address)
    domain = mailbox.rpartition("@")[2]
    answers = {
        "mailbox": mailbox,
        "team": answer("team", "Where support reads", None, read_team),
        "name": answer("name", "Name of the desk", domain, str.strip),
        "language": answer("language", "Language, ru or en", "ru", _language),
        "relay": answer("relay", "Where letters go", "smtp://127.0.0.1:25", str.strip),
    }
    rest = {key: given[key] or "" for key in ("category", "timezone", "public_url")}
    title = given["title"] or given["category"] or ""
    quoted = {key: _toml(value) for key, value in (answers | rest).items()}
    return {**quoted, "title": _TITLE if title == _CATEGORY else _toml(title)}


def _language(value: str) -> str:
    if value not in ("ru", "en"):
        raise ValueError(f"{value!r} is neither ru nor en")
    return value


def _read(key: str, read: Callable[[str], str]) -> Callable[[str], str]:
    """The same, complaining as click does: at a prompt it asks again."""

    def reads(value: str) -> str:
        try:
            return read(value)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint=f"--{key}") from None

    return reads


def _toml(value: str) -> str:
    """A basic string of TOML: its escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(path: Path, text: str) -> None:
    """A new file that nobody else may read. Raises FileExistsError rather than overwrite one."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
