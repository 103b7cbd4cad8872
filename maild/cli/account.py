"""`maild account`: who may use whose account in the portal."""

from typing import TYPE_CHECKING

import click

from maild.cli.exits import NotThere
from maild.cli.group import Group
from maild.cli.open import carried_out, opened_desk, whoami
from maild.cli.show import as_json, json_line, local, table

if TYPE_CHECKING:
    from maild.core.rights import Actor

_HEADS = ("owner", "guest", "since")


@click.group(cls=Group)
def account() -> None:
    """Who may read and write whose tickets in the portal."""


@account.command("list")
@as_json
def list_grants(is_json: bool) -> None:
    """List all guests, by the account that is open to them."""
    from maild.cli.rows import grant_object
    from maild.store import grants

    with opened_desk() as desk:
        rows = desk.store.read_now(grants.rows)
        zone = desk.policy.timezone
    if is_json:
        for row in rows:
            json_line(grant_object(row))
        return
    table(_HEADS, [(row.owner, row.guest, local(row.at, zone)) for row in rows], "Nobody is a guest of anybody.")


@account.command()
@click.argument("owner")
@click.argument("guest")
def grant(owner: str, guest: str) -> None:
    """Let GUEST read and write the tickets of OWNER."""
    from maild.core.address import normalise
    from maild.desk import access

    owner, guest = normalise(owner), normalise(guest)
    with opened_desk() as desk:
        is_new = carried_out(access.grant(desk, owner, guest, _operator(), "cli"))
    click.echo(f"{guest}: {'has access' if is_new else 'had access already'} to the tickets of {owner}")


@account.command()
@click.argument("owner")
@click.argument("guest")
def revoke(owner: str, guest: str) -> None:
    """Take that access away, at once."""
    from maild.core.address import normalise
    from maild.desk import access

    owner, guest = normalise(owner), normalise(guest)
    with opened_desk() as desk:
        was_in = carried_out(access.revoke(desk, owner, guest, _operator(), "cli"))
    if not was_in:
        raise NotThere(f"{guest} has no access to the tickets of {owner}")
    click.echo(f"{guest}: has no access to the tickets of {owner} any more")


def _operator() -> "Actor":
    from maild.core.rights import Actor, Standing

    return Actor(whoami(), Standing.OPERATOR)
