"""`maild ticket`: look at tickets, and speak as support."""

from typing import TYPE_CHECKING, Any

import click

from maild.cli.group import Group
from maild.cli.open import NUMBER, carried_out, found, opened_desk, text_given, whoami
from maild.cli.show import as_json, json_line, local, page, table

if TYPE_CHECKING:
    from maild.core.mail import Mailbox
    from maild.core.policy import Policy
    from maild.desk.desk import Desk
    from maild.store.lists import TicketRow

_STATUSES = ("incomplete", "new", "open", "pending", "solved", "closed")
_HEADS = ("number", "status", "category", "customer", "subject", "created", "reopen until")

_number = click.argument("number", metavar="N", type=NUMBER)
_text = click.option("--text", help="The words; otherwise they are read from standard input.")


@click.group(cls=Group)
def ticket() -> None:
    """Tickets: look at them, answer, solve, reopen."""


@ticket.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Only tickets of this status.")
@as_json
def list_tickets(status: str | None, is_json: bool) -> None:
    """List tickets by number."""
    from maild.cli.rows import ticket_object
    from maild.store import lists

    with opened_desk() as desk:
        rows = desk.store.read_now(lists.ticket_rows, status=status)
        zone = desk.policy.timezone
    if is_json:
        for row in rows:
            json_line(ticket_object(row))
        return
    cells = [_cells(row, zone) for row in rows]
    table(_HEADS, cells, f"No ticket is {status}." if status else "There are no tickets.")


@ticket.command()
@_number
@as_json
def show(number: int, is_json: bool) -> None:
    """Show one ticket with its thread, its history and what became of each letter."""
    from maild.cli.rows import thread_object
    from maild.cli.thread import thread_of, thread_page

    with opened_desk() as desk:
        row = _row(desk, number)
        thread = thread_of(desk, number)
    if is_json:
        json_line(thread_object(row, *thread))
    else:
        page(thread_page(row, *thread, desk.policy))


@ticket.command("open")
@click.option("--customer", required=True, metavar="ADDRESS", help='Who gets it: ivan@firma.example, "Ivan <…>".')
@click.option("--category", required=True, metavar="KEY")
@click.option("--topic", default="", metavar="KEY")
@click.option("--subject", required=True)
@_text
def open_ticket(customer: str, category: str, topic: str, subject: str, text: str | None) -> None:
    """Open a ticket towards a customer, who gets the text as an answer."""
    from maild.desk import act

    with opened_desk() as desk:
        person = _customer(customer, desk.policy)
        _check_place(desk.policy, category, topic)
        if not subject.strip():
            raise click.UsageError("--subject is empty")
        words = text_given(text)
        opening = act.open_towards(
            desk, whoami(), person, category=category, topic=topic, subject=" ".join(subject.split()), words=words
        )
        _say_status(desk, carried_out(opening))


@ticket.command()
@_number
@_text
def reply(number: int, text: str | None) -> None:
    """Answer the customers of a ticket."""
    _speak(number, words=text_given(text))


@ticket.command()
@_number
@_text
def note(number: int, text: str | None) -> None:
    """Add an internal note."""
    _speak(number, note=text_given(text))


@ticket.command()
@_number
def solve(number: int) -> None:
    """Solve a ticket; its customers are told."""
    _speak(number, solves=True)


@ticket.command()
@_number
def reopen(number: int) -> None:
    """Open a ticket that is new, pending or solved."""
    _speak(number, opens=True)


@ticket.command()
@_number
@click.argument("place", metavar="CATEGORY[/TOPIC]")
def move(number: int, place: str) -> None:
    """Hand a ticket over to another category."""
    _order(number, "move", place)


@ticket.command()
@_number
@click.argument("into", metavar="INTO", type=NUMBER)
def merge(number: int, into: int) -> None:
    """Close a ticket for good and let everything later go into another one."""
    _order(number, "merge", str(into))


@ticket.command()
@_number
def spam(number: int) -> None:
    """Close a ticket without a letter; its author gets no automatic mail any more."""
    _order(number, "spam", "")


@ticket.command()
@_number
@click.argument("agent", metavar="ADDRESS")
def assign(number: int, agent: str) -> None:
    """Make a ticket an agent's own; he gets a letter."""
    _order(number, "assign", agent)


@ticket.command(context_settings={"ignore_unknown_options": True})
@_number
@click.argument("tags", metavar="+TAG|-TAG…", nargs=-1, required=True)
def tag(number: int, tags: tuple[str, ...]) -> None:
    """Put labels on a ticket and take them off."""
    _order(number, "tag", " ".join(tags))


@ticket.command()
@_number
@click.argument("priority", type=click.Choice(["low", "normal", "high"]))
def priority(number: int, priority: str) -> None:
    """Say how urgent a ticket is."""
    _order(number, "priority", priority)


@ticket.command()
@_number
@click.argument("time", metavar="TIME")
def snooze(number: int, time: str) -> None:
    """Remind support of a ticket after some time: 2d, 3h."""
    _order(number, "snooze", time)


@ticket.command()
@_number
@click.argument("who", metavar="accept|ADDRESS")
def cc(number: int, who: str) -> None:
    """Let those in copy, or an address, into a ticket."""
    _order(number, "cc", who)


def _order(number: int, word: str, argument: str) -> None:
    """Give the order that the same line of an agent's mail would give."""
    from maild.core.commands import Command
    from maild.core.orders import Trouble, read_order
    from maild.core.words import Word
    from maild.desk import act

    with opened_desk() as desk:
        row = _row(desk, number)
        order = read_order(Command(Word(word), argument), desk.policy)
        if order is None or isinstance(order, Trouble):
            raise click.BadParameter(f"{argument!r} is not what {word} takes ({order})")
        ordered = carried_out(act.order(desk, row.number, whoami(), order))
        if ordered != number:
            click.echo(f"ticket {number}: merged into ticket {ordered}")
        _say_status(desk, number)


def _speak(number: int, **said: Any) -> None:
    from maild.desk import act

    with opened_desk() as desk:
        _row(desk, number)
        spoken_in = carried_out(act.speak(desk, number, whoami(), **said))
        if spoken_in != number:
            click.echo(f"ticket {number}: closed, ticket {spoken_in} follows it up")
        _say_status(desk, spoken_in)


def _say_status(desk: "Desk", number: int) -> None:
    click.echo(f"ticket {number}: {_row(desk, number).status}")


def _cells(row: "TicketRow", zone: str) -> tuple[object, ...]:
    customer = next(iter(row.participants), "")
    until = local(row.reopen_until, zone) if row.status == "solved" else ""
    return row.number, row.status, row.category, customer, row.subject, local(row.created_at, zone), until


def _row(desk: "Desk", number: int) -> "TicketRow":
    from maild.store import lists

    return found(desk.store.read_now(lists.ticket_row, number), f"ticket {number}")


def _customer(text: str, policy: "Policy") -> "Mailbox":
    from email.utils import parseaddr

    from maild.core.address import is_mailbox, normalise
    from maild.core.mail import Mailbox

    name, address = parseaddr(text)
    if not is_mailbox(normalise(address)):
        raise click.BadParameter(f"{text!r} is not an address", param_hint="--customer")
    if policy.is_desk_address(address):
        raise click.BadParameter(f"{address} is an address of this desk", param_hint="--customer")
    return Mailbox(name, normalise(address))


def _check_place(policy: "Policy", category: str, topic: str) -> None:
    known = {each.key: each for each in policy.categories}
    if category not in known:
        raise click.BadParameter(f"{category!r} is none of: {', '.join(known)}", param_hint="--category")
    if topic and known[category].topic(topic) is None:
        raise click.BadParameter(f"{topic!r} is no topic of {category}", param_hint="--topic")
