"""What a ticket's support said last, and what an agent has seen of it: the facts of the collision guard."""

from collections.abc import Sequence
from datetime import datetime

from maild.core.effects import Reason
from maild.core.facts import LastAnswer
from maild.store.db import Tx
from maild.store.times import from_micros

_OBEYED = (
    Reason.AGENT_ANSWERED.value,
    Reason.AGENT_NOTED.value,
    Reason.AGENT_COMMANDED.value,
    Reason.AGENT_OPENED.value,
    Reason.ANSWERED_OUTSIDE.value,
)
_ASKED = (  # its author has it back, to say what he meant
    Reason.HELD_COLLISION.value,
    Reason.HELD_COMMAND_UNCLEAR.value,
    Reason.HELD_OTHER_AGENT.value,
    Reason.HELD_NOTHING_TO_SEND.value,
    Reason.HELD_TICKET_CLOSED.value,
)


def replied_to(tx: Tx, letters: Sequence[str]) -> int:
    """The newest message that stands in these letters of ours, or was there when one was written; 0 for none."""
    marks = ", ".join("?" * len(letters))
    row = tx.one(
        "SELECT MAX(COALESCE(o.message, (SELECT MAX(m.id) FROM messages m WHERE m.ticket = o.ticket"
        f" AND m.at <= o.created_at))) FROM outbox o WHERE o.message_id IN ({marks})",
        *letters,
    )
    return int(row[0]) if row and row[0] is not None else 0


def last_answer(tx: Tx, ticket: int) -> LastAnswer | None:
    """The newest public answer of a ticket, with all names it went by: the agent's own mail, and our letters of it."""
    row = tx.one(
        "SELECT id, at, author, message_id FROM messages WHERE ticket = ? AND role = 'agent' AND is_note = FALSE"
        " ORDER BY id DESC LIMIT 1",
        ticket,
    )
    if row is None:
        return None
    letters = tx.all("SELECT message_id FROM outbox WHERE ticket = ? AND message = ?", ticket, row[0])
    names = frozenset(name for name in (row[3], *(letter[0] for letter in letters)) if name)
    return LastAnswer(ticket, row[0], from_micros(row[1]), row[2], names)


def customers_spoke(tx: Tx, numbers: Sequence[int]) -> dict[int, tuple[datetime, datetime]]:
    """When the customers of these tickets wrote first and last."""
    if not numbers:
        return {}
    rows = tx.all(
        "SELECT ticket, MIN(at), MAX(at) FROM messages WHERE role = 'customer'"
        f" AND ticket IN ({', '.join('?' * len(numbers))}) GROUP BY ticket",
        *numbers,
    )
    return {row[0]: (from_micros(row[1]), from_micros(row[2])) for row in rows}


def is_said(tx: Tx, message_id: str, *, is_sent: bool) -> bool:
    """Has a mail of that Message-ID been heard as support's already? One of the two copies has to be that in Sent."""
    obeyed, asked = (", ".join("?" * len(reasons)) for reasons in (_OBEYED, _ASKED))
    row = tx.one(
        "SELECT 1 FROM mails m WHERE m.message_id = ?"
        f" AND (m.state = 'done' AND m.reason IN ({obeyed}) OR m.state = 'held' AND m.reason IN ({asked}))"
        " AND (? OR EXISTS (SELECT 1 FROM arrivals a WHERE a.mail = m.id AND a.door = 'imap' AND a.\"user\" <> ''))"
        " LIMIT 1",
        message_id, *_OBEYED, *_ASKED, is_sent,
    )  # fmt: skip
    return row is not None
