"""`maild export`: everything that came in as an mbox file, every ticket as JSON lines."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from maild.cli.exits import InTheWay
from maild.cli.group import Group
from maild.cli.open import NUMBER, opened_desk, whoami
from maild.cli.show import counted, json_text

if TYPE_CHECKING:
    from maild.desk.desk import Desk
    from maild.store.ledger import LedgerRow
    from maild.store.lists import TicketRow

_FROM = re.compile(rb"(?m)^(?=>*From )")

_output = click.option("--output", metavar="FILE", type=click.Path(path_type=Path), help="Otherwise standard output.")
_ticket = click.option("--ticket", "number", metavar="N", type=NUMBER, help="Only of this ticket.")


@click.group(cls=Group)
def export() -> None:
    """Take mails and tickets out, in formats that other programs read. The audit list knows of it."""


@export.command()
@_output
@_ticket
def mbox(output: Path | None, number: int | None) -> None:
    """Write the raw mails as an mbox file (mboxrd), oldest first. Those whose bytes are not kept are left out."""
    from maild.store import ledger

    with opened_desk() as desk, _opened(output) as file:
        rows = [row for row in desk.store.read_now(ledger.rows) if number is None or row.ticket == number]
        written = sum(_write(desk, row, file) for row in rows)
        _note(desk, f"{counted(written, 'mail')} as mbox", number)
    left = f", {len(rows) - written} left out: their bytes are not kept" if written < len(rows) else ""
    click.echo(f"{counted(written, 'mail')}{left}", err=True)


@export.command()
@_output
@_ticket
def jsonl(output: Path | None, number: int | None) -> None:
    """Write the tickets as JSON lines, each with its messages and history, as `ticket show --json` does."""
    from maild.store import lists

    with opened_desk() as desk, _opened(output) as file:
        rows = desk.store.read_now(lists.ticket_rows, number=number)
        for row in rows:
            file.write(_line(desk, row))
        _note(desk, f"{counted(len(rows), 'ticket')} as JSON lines", number)
    click.echo(counted(len(rows), "ticket"), err=True)


def _line(desk: "Desk", row: "TicketRow") -> bytes:
    from maild.cli.rows import thread_object
    from maild.cli.thread import thread_of

    return f"{json_text(thread_object(row, *thread_of(desk, row.number)))}\n".encode("utf-8", "replace")


def _write(desk: "Desk", row: "LedgerRow", file: IO[bytes]) -> bool:
    """One mail as RFC 4155 has it, with LF and its From_ lines quoted; False if its bytes are not kept any more."""
    from maild.store import ledger

    raw = desk.store.read_now(ledger.raw, row.id)
    if raw is None:
        return False
    envelope = desk.store.read_now(ledger.envelope_of, row.id)
    sender = "".join(envelope.mail_from.split()) if envelope else ""
    file.write(f"From {sender or 'MAILER-DAEMON'} {row.received_at:%a %b %d %H:%M:%S %Y}\n".encode("utf-8", "replace"))
    text = raw.replace(b"\r\n", b"\n")
    file.write(_FROM.sub(b">", text) + (b"\n" if text.endswith(b"\n") else b"\n\n"))
    return True


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[bytes]]:
    """The file, which nobody else may read, or standard output."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        place = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InTheWay(f"{output} exists already, and nothing is overwritten") from None
    with os.fdopen(place, "wb") as file:
        yield file


def _note(desk: "Desk", what: str, number: int | None) -> None:
    from maild.store import audit

    of = f" of ticket {number}" if number else ""
    desk.store.run_now(audit.add, desk.now(), act="exported", who=whoami(), via="cli", what=f"{what}{of}")
