"""What `maild init` has to know: from options, on a terminal by asking, else by default."""

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import click

DEFAULT_CATEGORY = "support"
_TITLE = '{ru = "Поддержка", en = "Support"}'
Read = Callable[[str], str]


class Questions:
    """Asks for what is not `given`, if `asks`."""

    def __init__(self, given: Mapping[str, str | None], *, asks: bool) -> None:
        self.given = given
        self._asks = asks

    def answer(self, key: str, question: str, default: str | None, read: Read) -> str:
        """The value of that key. Raises UsageError where it was not given, is not asked for and cannot be made up."""
        if self.given[key] is not None:
            return _read(key, read)(self.given[key] or "")
        if self._asks:
            return str(click.prompt(question, default=default, value_proc=_read(key, read)))
        if default is None:
            raise click.UsageError(f"--{key} ADDRESS is required: {question[0].lower()}{question[1:]}")
        return read(default)

    def password(self, file: Path | None) -> str:
        """The password at the provider, from its file or from the keyboard; never from the command line."""
        if file is not None:
            return file.read_text(encoding="utf-8").strip()
        if not self._asks:
            raise click.UsageError("--password-file is required without a terminal")
        return str(click.prompt("Password of the mailbox (an app password, where there are such)", hide_input=True))


def answers_for(questions: Questions) -> dict[str, str]:
    """Everything that is written into the configuration. `imap` is "" for a desk behind an MTA."""
    from maild.config_values import read_address

    domain = socket.getfqdn().partition(".")[2] or "example.com"
    mailbox = questions.answer("mailbox", "Where customers write", f"support@{domain}", read_address)
    imap = questions.answer("imap", "IMAP server of that mailbox, empty if an MTA hands the mail over", "", _server)
    domain = mailbox.rpartition("@")[2]

    def read_team(value: str) -> str:
        team = read_address(value)
        if team == mailbox and not imap:
            raise ValueError(f"{team} is where customers write; support reads in another mailbox")
        return team

    relay = _relay(imap)
    return {
        "mailbox": mailbox,
        "imap": imap,
        "team": questions.answer("team", "Where support reads", mailbox if imap else None, read_team),
        "name": questions.answer("name", "Name of the desk", domain, str.strip),
        "language": questions.answer("language", "Language, ru or en", "ru", _language),
        "relay": questions.answer("relay", "Where letters go", relay, str.strip),
        "username": questions.given["username"] or mailbox,
        "category": questions.given["category"] or "",
        "timezone": questions.given["timezone"] or "",
        "public_url": questions.given["public_url"] or "",
        "title": questions.given["title"] or questions.given["category"] or "",
    }


def quoted(answers: Mapping[str, str]) -> dict[str, str]:
    """Every value as TOML writes it."""
    values = {key: toml(value) for key, value in answers.items()}
    return {**values, "title": _TITLE} if answers["title"] == DEFAULT_CATEGORY else values


def _relay(imap: str) -> str:
    if not imap:
        return "smtp://127.0.0.1:25"
    from maild.cli.init_mailbox import read_server
    from maild.cli.provider import provider_of

    return provider_of(read_server(imap).host).relay


def _server(value: str) -> str:
    from maild.cli.init_mailbox import read_server

    if value:
        read_server(value)
    return value


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


def toml(value: str) -> str:
    """A basic string of TOML: its escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
