"""`maild hold`: mail that was set aside for a person."""

import click

from maild.cli.group import Group
from maild.cli.mail import row_of, understood
from maild.cli.open import NUMBER, carried_out, opened_desk, whoami
from maild.cli.show import as_json, json_line, local, table

_HEADS = ("id", "received", "from", "subject", "ticket", "trust", "why")


@click.group(cls=Group)
def hold() -> None:
    """Mail that was set aside: let it through, or drop it."""


@hold.command("list")
@as_json
def list_held(is_json: bool) -> None:
    """List held mails, oldest first."""
    from maild.cli.rows import held_object
    from maild.store import ledger

    with opened_desk() as desk:
        rows = desk.store.read_now(ledger.rows, state="held")
        if is_json:
            for row, words, trust in understood(desk, rows):
                json_line(held_object(row, words, trust))
            return
        zone = desk.policy.timezone
        cells = [
            (row.id, local(row.received_at, zone), row.sender, row.subject, row.ticket, row.trust, row.reason)
            for row in rows
        ]
        table(_HEADS, cells, "Nothing is held.")


@hold.command()
@click.argument("number", metavar="ID", type=NUMBER)
def release(number: int) -> None:
    """Let a held mail through, with a customer's rights."""
    from maild.desk import holds

    with opened_desk() as desk:
        row_of(desk, number)
        carried_out(holds.release(desk, number, whoami()))
    click.echo(f"mail {number}: released")


@hold.command()
@click.argument("number", metavar="ID", type=NUMBER)
def send(number: int) -> None:
    """Send a held mail of support's own all the same."""
    _approve(number, "send")


@hold.command()
@click.argument("number", metavar="ID", type=NUMBER)
def note(number: int) -> None:
    """Keep a held mail of support's own as an internal note."""
    _approve(number, "note")


def _approve(number: int, action: str) -> None:
    from maild.core.tokens import HeldAction
    from maild.desk import holds

    with opened_desk() as desk:
        row_of(desk, number)
        carried_out(holds.approve(desk, number, whoami(), HeldAction(action)))
    click.echo(f"mail {number}: {action}")


@hold.command()
@click.argument("number", metavar="ID", type=NUMBER)
def drop(number: int) -> None:
    """Let nothing come of a held mail; its bytes are kept."""
    from maild.desk import holds

    with opened_desk() as desk:
        row_of(desk, number)
        carried_out(holds.drop(desk, number, whoami()))
    click.echo(f"mail {number}: dropped")
