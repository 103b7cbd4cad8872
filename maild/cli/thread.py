"""One ticket as a page to read: facts, thread, history."""

from collections.abc import Iterator, Sequence

from maild.cli.show import local
from maild.core.policy import Policy
from maild.desk.deliveries import reason_of, status_of
from maild.desk.desk import Desk
from maild.mime.plain import size
from maild.store import deliveries, lists
from maild.store.deliveries import LetterState
from maild.store.lists import EventRow, MessageRow, TicketRow

Ways = list[tuple[LetterState, str, str]]


def thread_of(desk: Desk, number: int) -> tuple[list[MessageRow], list[EventRow], Ways]:
    """Messages, history and letters of a ticket; each letter with the status and reason for not arriving."""
    messages = desk.store.read_now(lists.messages_of, number)
    events = desk.store.read_now(lists.events_of, number)
    letters = desk.store.read_now(deliveries.of_ticket, number)
    return messages, events, [(one, status_of(one), reason_of(desk, one, "en")) for one in letters]


def thread_page(
    row: TicketRow,
    messages: Sequence[MessageRow],
    events: Sequence[EventRow],
    ways: Sequence[tuple[LetterState, str, str]],
    policy: Policy,
) -> str:
    """The page, with times of the desk's zone. It holds strangers' words.

    `ways` are the letters, each with the status and the reason in words for which it has not arrived.
    """
    lines = [f"{policy.tag(row.number)} {row.subject}", *_facts(row, policy.timezone)]
    for message in messages:
        lines += ["", *_message(message, policy.timezone)]
    lines += ["", "History:", *(_event(event, policy.timezone) for event in events)]
    if ways:
        lines += ["", "Letters:", *(_way(*way, policy.timezone) for way in ways)]
    return "\n".join(lines)


def _way(letter: LetterState, status: str, reason: str, zone: str) -> str:
    """Whom it went to, how far it got, and what was said of it last."""
    changed = local(letter.changed_at, zone)
    state = letter.state.value + (f" {changed}" if changed else "")
    said = letter.reply if letter.reply != reason else ""
    words = (local(letter.at, zone), letter.letter, letter.to, state, " ".join(filter(None, (status, reason))), said)
    return "  " + "  ".join(filter(None, words))


def _facts(row: TicketRow, zone: str) -> Iterator[str]:
    facts = {
        "Status": row.status,
        "Category": row.category + (f"/{row.topic}" if row.topic else ""),
        "People": ", ".join(row.participants),
        "Created": local(row.created_at, zone),
        "Solved": local(row.solved_at, zone),
        "Reopen until": local(row.reopen_until, zone),
        "Confirmed": local(row.confirmed_at, zone),
        "Follows up": row.follow_up_of or "",
        "Merged into": row.merged_into or "",
        "Assignee": row.assignee or "",
        "Priority": "" if row.priority == "normal" else row.priority,
        "Tags": " ".join(row.tags),
        **row.fields,
    }
    return (f"{name + ':':<14}{value}" for name, value in facts.items() if value)


def _message(message: MessageRow, zone: str) -> list[str]:
    kind = "note, " if message.is_note else ""
    files = [f"  [{file.name}, {size(file.size, 'en')}, sha256 {file.sha256}]" for file in message.attachments]
    head = f"── {local(message.at, zone)}  {message.author} ({kind}{message.role})"
    return [head, *(f"  {line}".rstrip() for line in message.reply.split("\n")), *files]


def _event(event: EventRow, zone: str) -> str:
    words = (local(event.at, zone), event.event, event.who, event.via, event.reason)
    return "  " + "  ".join(filter(None, words))
