"""`maild oauth`: log in at a provider that takes no passwords."""

from typing import TYPE_CHECKING

import click

from maild.cli.group import Group
from maild.cli.open import carried_out, config_file, found

if TYPE_CHECKING:
    from maild.config import Config
    from maild.config_mailbox import OAuth

_RELAY = "outbound"


@click.group(cls=Group)
def oauth() -> None:
    """Logins with tokens instead of passwords."""


@oauth.command()
@click.argument("name")
def login(name: str) -> None:
    """Log in for the mailbox NAME of [[imap]], or for the relay (`outbound`): in a browser, on any machine.

    The refresh token is written into its refresh_token_file.
    """
    from maild.config import load

    settings = found(_settings(load(config_file(), before_login=True), name), f"oauth for {name}")
    carried_out(_log_in(settings))
    click.echo(f"{name}: logged in, the token is in {settings.refresh_token_file}")


def _settings(config: "Config", name: str) -> "OAuth | None":
    by_name = {mailbox.name: mailbox.oauth for mailbox in config.imap}
    return by_name.get(name) or (config.outbound.oauth if name == _RELAY else None)


async def _log_in(settings: "OAuth") -> None:
    from maild.oauth import DeviceLogin

    device = DeviceLogin(settings)
    invitation = await device.begin()
    click.echo(f"Open {invitation.url} and type the code {invitation.code} (within {invitation.life / 60:.0f} min).")
    await device.finish(invitation)
