"""`maild init`: a configuration and a secret to begin with."""

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from maild.cli.check import run_checks
from maild.cli.exits import InTheWay
from maild.cli.init_config import at_provider, behind_mta
from maild.cli.init_questions import DEFAULT_CATEGORY, Questions, answers_for, quoted, toml

_PATIENCE = 60.0  # seconds


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--mailbox", metavar="ADDRESS", help="Where customers write; support@ this domain otherwise.")
@click.option("--team", metavar="ADDRESS", help="Where support reads, another mailbox; with --imap the same one.")
@click.option("--name", help="How the desk calls itself; the domain otherwise.")
@click.option(
    "--category", metavar="KEY", default=DEFAULT_CATEGORY, show_default=True, help="Short name of the category."
)
@click.option("--title", help="What customers read for the category; its key otherwise.")
@click.option("--language", type=click.Choice(["ru", "en"]), help="Language of people whose own is not known.")
@click.option("--timezone", default="UTC", show_default=True, help="Time zone of the times in letters.")
@click.option("--public-url", default="", metavar="URL", help="Where customers reach the action links.")
@click.option("--relay", metavar="URL", help="Where letters go; smtp://127.0.0.1:25 otherwise, or the provider's.")
@click.option("--imap", metavar="HOST", help="The provider's IMAP server, if customers' mail lies in a mailbox there.")
@click.option("--username", help="The login there and at the relay; the address otherwise.")
@click.option("--password-file", type=click.Path(path_type=Path), help="A file with the password; asked for otherwise.")
@click.option("--ca-file", type=click.Path(path_type=Path), help="Certificates to check both servers by (PEM).")
@click.option("--patience", type=click.FloatRange(0), default=_PATIENCE, help="Seconds a trial mail may take; 0: none.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.pass_context
def init(
    context: click.Context,
    /,
    folder: Path,
    yes: bool,
    password_file: Path | None,
    ca_file: Path | None,
    patience: float,
    **given: str | None,
) -> None:
    """Write a configuration and a secret to DIR, and check them.

    On a terminal it asks for what is not given. With --imap it logs in to the mailbox, looks around, and sends two
    trial mails round, to find out how that provider works. Ends as `maild check` does.
    """
    config, secret, password = folder / "config.toml", folder / "secret", folder / "password"
    for path in (config, secret, password):
        if path.exists():
            raise InTheWay(f"{path} exists already, and nothing is overwritten")
    questions = Questions(given, asks=not yes and sys.stdin.isatty())
    answers = answers_for(questions)
    files: dict[Path, str] = {secret: secrets.token_urlsafe(48) + "\n"}
    if not answers["imap"]:
        files[config] = behind_mta(quoted(answers))
    else:
        login = Login(questions.password(password_file), password_file, ca_file, patience)
        files[config] = _at_provider(answers, login)
        if password_file is None:
            files[password] = login.password + "\n"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, text in files.items():
        _write(path, text)
        click.echo(f"{path}: written")
    click.echo()
    status = run_checks(config)
    click.echo(f"\n{_next(config, is_well=status == 0)}")
    context.exit(status)


@dataclass(frozen=True, slots=True)
class Login:
    """How to get in at a provider."""

    password: str
    password_file: Path | None
    ca_file: Path | None
    patience: float


def _at_provider(answers: dict[str, str], login: Login) -> str:
    """The configuration, once the mailbox has been looked at."""
    from maild.cli.check import tell
    from maild.cli.init_mailbox import Account, explore, read_server

    server = read_server(answers["imap"])
    account = Account(
        server, answers["mailbox"], answers["username"], login.password, answers["relay"], login.ca_file, login.patience
    )
    learned = explore(account, toml, tell)
    click.echo()
    values = quoted(answers) | {
        "host": toml(server.host),
        "port": str(server.port),
        "tls": toml("implicit" if server.is_tls else "none"),
        "role": toml("desk" if answers["team"] == answers["mailbox"] else "intake"),
        "password_file": toml(str(login.password_file.absolute()) if login.password_file else "password"),
        "ca_file": _ca_line(account.ca_file),
        "relay_ca_file": _ca_line(account.relay_ca_file),
    }
    return at_provider(values, learned)


def _ca_line(file: Path | None) -> str:
    return f"ca_file = {toml(str(file.absolute()))}\n" if file else ""


def _next(config: Path, *, is_well: bool) -> str:
    if is_well:
        return f"Next: look through {config}, then `maild serve --config {config}`"
    return (
        "The files are written, but the check has found errors, see above.\n"
        f"Next: correct {config}, then `maild check --config {config}`"
    )


def _write(path: Path, text: str) -> None:
    """A new file that nobody else may read. Raises FileExistsError rather than overwrite one."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
