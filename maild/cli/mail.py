"""`maild mail`: the ledger of everything that came in."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from maild.cli.exits import NotThere
from maild.cli.group import Group
from maild.cli.open import NUMBER, carried_out, found, opened_desk, whoami
from maild.cli.show import as_json, json_line, local, page, table

if TYPE_CHECKING:
    from maild.core.mail import Mail
    from maild.desk.desk import Desk
    from maild.store.ledger import LedgerRow

_HEADS = ("id", "received", "door", "state", "ticket", "from", "subject", "trust", "reason")


@click.group(cls=Group)
def mail() -> None:
    """Every mail that came in, and what became of it."""


@mail.command("list")
@click.option("--state", type=click.Choice(["spooled", "done", "held"]), help="Only mails of this state.")
@as_json
def list_mails(state: str | None, is_json: bool) -> None:
    """List mails, oldest first."""
    from maild.cli.rows import mail_object
    from maild.store import ledger

    with opened_desk() as desk:
        rows = desk.store.read_now(ledger.rows, state=state)
        if is_json:
            for row, words, trust in understood(desk, rows):
                json_line(mail_object(row, words, trust))
            return
        table(_HEADS, [_cells(desk, row) for row in rows], f"No mail is {state}." if state else "No mail has come in.")


@mail.command()
@click.argument("number", metavar="ID", type=NUMBER)
@as_json
def show(number: int, is_json: bool) -> None:
    """Show one mail: its fate and what maild understands of it."""
    from maild.cli.page import mail_page
    from maild.cli.rows import mail_object

    with opened_desk() as desk:
        row = row_of(desk, number)
        _, words, trust = next(understood(desk, [row]))
        if is_json:
            json_line(mail_object(row, words, trust))
            return
        page(f"{_fate(desk, row, trust)}\n{mail_page(words, desk.policy.subject_tag)}")


@mail.command()
@click.argument("number", metavar="ID", type=NUMBER)
def raw(number: int) -> None:
    """Write the bytes of a mail, as they came in, to standard output. The audit list knows of it."""
    from maild.store import audit, ledger

    what = f"mail {number}"
    with opened_desk() as desk:
        row_of(desk, number)
        data = desk.store.read_now(ledger.raw, number)
        if data is None:
            raise NotThere(f"{what}: its bytes are not kept any more, only what became of it (see `maild audit list`)")
        desk.store.run_now(audit.add, desk.now(), act="raw mail read", who=whoami(), via="cli", what=what)
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@mail.command()
@click.argument("number", metavar="ID", type=NUMBER)
def replay(number: int) -> None:
    """Hand a held mail to the rules again, as if it had just come in."""
    from maild.desk import holds

    with opened_desk() as desk:
        row_of(desk, number)
        carried_out(holds.replay(desk, number, whoami()))
    click.echo(f"mail {number}: spooled")


def understood(desk: "Desk", rows: "list[LedgerRow]") -> "Iterator[tuple[LedgerRow, Mail, str]]":
    """Each row with its words and the verdict on its sender, made now where the mail is not settled yet."""
    from maild.mime.parse import parse
    from maild.store import ledger

    for row in rows:
        raw = desk.store.read_now(ledger.raw, row.id)
        words = _remembered(row) if raw is None else parse(raw)
        yield row, words, row.trust or _verdict(desk, row.id, words)


def _remembered(row: "LedgerRow") -> "Mail":
    """What the ledger still knows of a mail whose bytes are not kept any more."""
    from maild.core.mail import Kind, Mailbox
    from maild.mime.parse import parse

    return replace(
        parse(b""),
        author=Mailbox("", row.sender) if row.sender else None,
        subject=row.subject,
        message_id=row.message_id,
        kind=Kind(row.kind or Kind.MAIL),
    )


def _verdict(desk: "Desk", number: int, words: "Mail") -> str:
    from maild.core.trust import Trust, trust_in
    from maild.desk.receive import merged
    from maild.store import ledger

    arrivals = desk.store.read_now(ledger.load, number).arrivals
    return (trust_in(words, merged(arrivals), desk.policy) if arrivals else Trust.UNVERIFIED).value


def row_of(desk: "Desk", number: int) -> "LedgerRow":
    """The ledger's row of one mail. Raises NotThere."""
    from maild.store import ledger

    return found(desk.store.read_now(ledger.row, number), f"mail {number}")


def _cells(desk: "Desk", row: "LedgerRow") -> tuple[object, ...]:
    moment = local(row.received_at, desk.policy.timezone)
    return row.id, moment, row.door, row.state, row.ticket, row.sender, row.subject, row.trust, row.reason


def _fate(desk: "Desk", row: "LedgerRow", trust: str) -> str:
    facts = {
        "Mail": f"{row.id}, received {local(row.received_at, desk.policy.timezone)} by {row.door}",
        "State": row.state,
        "Reason": row.reason,
        "Ticket": row.ticket or "",
        "Sender": trust,
    }
    return "\n".join(f"{name + ':':<12}{value}" for name, value in facts.items() if value)
