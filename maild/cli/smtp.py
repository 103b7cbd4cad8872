"""`maild smtp`: what belongs to the SMTP door."""

import json
import sys

import click

from maild.cli.group import Group

_SALT = 16  # octets


@click.group(cls=Group)
def smtp() -> None:
    """The SMTP door: who may log in."""


@smtp.command()
@click.argument("address")
def password(address: str) -> None:
    """Print the line of [smtp.users] for an ADDRESS.

    The password is asked for, or read from standard input: on a command line everybody on the machine could see it.
    """
    import secrets

    from maild.config_values import read_address
    from maild.core.passwords import hash_of

    try:
        user = read_address(address)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    word = _asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not word:
        raise click.UsageError("the password is empty")
    click.echo(f'{json.dumps(user, ensure_ascii=False)} = "{hash_of(word, secrets.token_bytes(_SALT))}"')


def _asked() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
