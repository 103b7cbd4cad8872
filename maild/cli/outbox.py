"""`maild outbox`: letters on their way out."""

from typing import TYPE_CHECKING

import click

from maild.cli.exits import NotThere
from maild.cli.group import Group
from maild.cli.open import NUMBER, opened_desk, whoami
from maild.cli.show import as_json, json_line, local, table
from maild.core.errors import NotAllowed

if TYPE_CHECKING:
    from datetime import datetime

    from maild.desk.desk import Desk
    from maild.store.db import Tx
    from maild.store.outbox import OutboxRow

_HEADS = ("id", "created", "state", "to", "letter", "subject", "ticket", "attempts", "next attempt", "last reply")


@click.group(cls=Group)
def outbox() -> None:
    """Letters on their way out."""


@outbox.command("list")
@click.option("--state", type=click.Choice(["queued", "sent", "failed"]), help="Only letters of this state.")
@as_json
def list_letters(state: str | None, is_json: bool) -> None:
    """List letters, oldest first."""
    from maild.cli.rows import letter_object
    from maild.store import outbox as letters

    with opened_desk() as desk:
        rows = desk.store.read_now(letters.rows, state=state)
        zone = desk.policy.timezone
    if is_json:
        for row in rows:
            json_line(letter_object(row))
        return
    cells = [_cells(row, zone) for row in rows]
    table(_HEADS, cells, f"No letter is {state}." if state else "No letter has been written.")


@outbox.command()
@click.argument("number", metavar="ID", type=NUMBER)
def retry(number: int) -> None:
    """Try a letter that waits or failed again, at once."""
    from maild.store import outbox as letters

    with opened_desk() as desk:
        _must_exist(desk, number)
        if not desk.store.run_now(letters.retry, number, desk.now()):
            raise NotAllowed(f"letter {number} has been sent")
    click.echo(f"letter {number}: queued")


@outbox.command()
@click.argument("number", metavar="ID", type=NUMBER)
def drop(number: int) -> None:
    """Never send a letter that waits."""
    with opened_desk() as desk:
        _must_exist(desk, number)
        if not desk.store.run_now(_drop, number, whoami(), desk.now()):
            raise NotAllowed(f"letter {number} does not wait: it has been sent or has failed")
    click.echo(f"letter {number}: failed")


def _drop(tx: "Tx", number: int, who: str, now: "datetime") -> bool:
    """The act and its line in the audit list, or neither."""
    from maild.store import audit
    from maild.store import outbox as letters

    is_dropped = letters.drop(tx, number, f"dropped by {who}")
    if is_dropped:
        audit.add(tx, now, act="letter dropped", who=who, via="cli", what=f"letter {number}")
    return is_dropped


def _cells(row: "OutboxRow", zone: str) -> tuple[object, ...]:
    tries = (row.attempts, local(row.next_attempt_at, zone), row.last_reply)
    return row.id, local(row.created_at, zone), row.state, row.to, row.letter, row.subject, row.ticket, *tries


def _must_exist(desk: "Desk", number: int) -> None:
    from maild.store import lists

    if not desk.store.read_now(lists.has_letter, number):
        raise NotThere(f"there is no letter {number}")
