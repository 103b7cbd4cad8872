"""Tickets as the rules ask for them and change them: facts out, effects in. One function for each effect."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from maild.core.effects import AddMessage, OpenTicket, Record, Role, SetStatus
from maild.core.facts import Facts, LetterFacts, MailKeys, Provoked, TicketFacts
from maild.core.mail import Mailbox
from maild.core.robots import budget_domain
from maild.core.ticket import Status
from maild.core.tokens import read_message_id
from maild.store import answers, filings, grants, mine, muted, proposals
from maild.store.db import Row, Tx
from maild.store.people import languages
from maild.store.times import maybe_from, maybe_to, to_micros

_CHUNK = 500  # parameters of one statement; SQLite and PostgreSQL both take many more


def facts_for(tx: Tx, keys: MailKeys, now: datetime) -> Facts:
    """Everything the rules may ask about one mail.

    In a transaction that writes, its tickets are locked, and so are the budgets, which every answer changes.
    """
    if keys.author:
        tx.wait_turn("budgets")
    recorded = _recorded(tx, keys.references)
    bounced = _bounced(tx, keys)
    named = [number for numbers in recorded.values() for number in numbers]
    returned = [bounced.ticket] if bounced and bounced.ticket else []
    tickets = tickets_by_number(tx, [*keys.numbers, *named, *returned])
    facts = Facts(
        tickets=tickets,
        recorded=recorded,
        languages=_languages(tx, tickets.values(), (keys.author, *keys.people)),
        is_own_letter=_is_own_letter(tx, keys.message_id),
        bounced=bounced,
        provoked=_provoked(tx, keys.author, now) if keys.author else Provoked(),
    )
    facts = replace(facts, is_said=answers.is_said(tx, keys.said, is_sent=keys.is_sent)) if keys.said else facts
    facts = replace(facts, spoke=answers.customers_spoke(tx, list(tickets))) if keys.is_sent else facts
    return _with_answer(tx, facts, keys) if keys.answered else facts


def _with_answer(tx: Tx, facts: Facts, keys: MailKeys) -> Facts:
    """What an agent has to know of the ticket of the letter that he answers."""
    signed = read_message_id(keys.answered[0])
    ticket = facts.ticket(signed.number) if signed else None
    return replace(
        facts,
        replied_to=answers.replied_to(tx, keys.answered),
        last_answer=answers.last_answer(tx, ticket.number) if ticket else None,
    )


def facts_of_ticket(tx: Tx, number: int) -> tuple[TicketFacts, Facts] | None:
    """One ticket with what is needed to write to its people, or None."""
    tickets = tickets_by_number(tx, [number])
    facts = Facts(tickets=tickets, languages=_languages(tx, tickets.values()))
    ticket = facts.ticket(number)
    return (ticket, facts) if ticket else None


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def tickets_by_number(tx: Tx, numbers: Iterable[int]) -> dict[int, TicketFacts]:
    """The tickets of those numbers that exist, and the ones they were merged into; locked by one that writes."""
    found: dict[int, TicketFacts] = {}
    wanted = list(dict.fromkeys(numbers))[:_CHUNK]
    while wanted:
        rows = tx.all(
            "SELECT number, subject, category, topic, status, language, reopen_until, confirmed_at, merged_into,"
            " auto_solve_at, assignee, fields"
            f" FROM tickets WHERE number IN ({_marks(wanted)}) ORDER BY number{tx.lock}",
            *wanted,
        )
        people, proposed = _participants(tx, wanted), proposals.proposed(tx, wanted)
        guests = grants.guests_of(tx, wanted)
        for row in rows:
            found[row[0]] = TicketFacts(
                number=row[0],
                subject=row[1],
                category=row[2],
                topic=row[3],
                status=Status(row[4]),
                language=row[5],
                participants=tuple(people.get(row[0], ())),
                reopen_until=maybe_from(row[6]),
                confirmed_at=maybe_from(row[7]),
                merged_into=row[8],
                auto_solve_at=maybe_from(row[9]),
                assignee=row[10] or "",
                fields=json.loads(row[11]),
                proposed=tuple(proposed.get(row[0], ())),
                guests=frozenset(guests.get(row[0], ())),
            )
        wanted = [row[8] for row in rows if row[8] is not None and row[8] not in found]
    return found


def _participants(tx: Tx, numbers: Sequence[int]) -> dict[int, list[Mailbox]]:
    rows = tx.all(
        f"SELECT ticket, name, address FROM participants WHERE ticket IN ({_marks(numbers)}) ORDER BY ticket, position",
        *numbers,
    )
    people: dict[int, list[Mailbox]] = {}
    for ticket, name, address in rows:
        people.setdefault(ticket, []).append(Mailbox(name, address))
    return people


def _recorded(tx: Tx, references: Sequence[str]) -> dict[str, list[int]]:
    if not references:
        return {}
    rows = tx.all(
        f"SELECT message_id, ticket FROM messages WHERE message_id IN ({_marks(references)})"
        f" ORDER BY id LIMIT {_CHUNK}",
        *references,
    )
    # A stranger can copy a Message-ID, even before its mail is here: who takes part in which ticket decides.
    found: dict[str, list[int]] = {}
    for message_id, ticket in rows:
        if ticket not in found.setdefault(message_id, []):
            found[message_id].append(ticket)
    return found


def _languages(tx: Tx, tickets: Iterable[TicketFacts], others: Iterable[str] = ()) -> dict[str, str]:
    people = (person for ticket in tickets for person in (*ticket.participants, *ticket.proposed))
    return languages(tx, [*others, *(person.address for person in people)])


def _is_own_letter(tx: Tx, message_id: str) -> bool:
    return bool(message_id) and tx.one("SELECT 1 FROM outbox WHERE message_id = ?", message_id) is not None


def _bounced(tx: Tx, keys: MailKeys) -> LetterFacts | None:
    if keys.letter is None and not keys.returned_id:
        return None
    row = tx.one(
        "SELECT o.id, o.ticket, o.letter, o.to_address, COALESCE(t.category, ''),"
        " COALESCE(o.subject, ''), o.state = 'failed' FROM outbox o"
        " LEFT JOIN tickets t ON t.number = o.ticket WHERE o.id = ? OR o.message_id = ?"
        " ORDER BY o.id = ? DESC LIMIT 1",
        keys.letter or 0, keys.returned_id, keys.letter or 0,
    )  # fmt: skip
    return _letter_facts(row) if row else None


def _letter_facts(row: Row) -> LetterFacts:
    number, ticket, letter, to, category, subject, is_failed = row
    return LetterFacts(number, ticket, letter, to, category, subject, bool(is_failed))


def _provoked(tx: Tx, author: str, now: datetime) -> Provoked:
    hour, day = to_micros(now - timedelta(hours=1)), to_micros(now - timedelta(days=1))

    def count(where: str, *parameters: object) -> int:
        row = tx.one(f"SELECT COUNT(*) FROM outbox WHERE is_provoked = TRUE AND {where}", *parameters)
        return int(row[0]) if row else 0

    return Provoked(
        address_hour=count("to_address = ? AND created_at > ?", author, hour),
        address_day=count("to_address = ? AND created_at > ?", author, day),
        domain_hour=count("to_domain = ? AND created_at > ?", budget_domain(author), hour),
        hour=count("created_at > ?", hour),
        is_muted=muted.has(tx, author, now),
    )


def open_ticket(tx: Tx, opened: OpenTicket, now: datetime) -> int:
    """A new ticket; its number."""
    number = tx.new_id(
        "INSERT INTO tickets (subject, category, topic, status, language, created_at, follow_up_of, priority,"
        " is_incoming, fields, tags) VALUES (?, ?, ?, ?, ?, ?, ?, 'normal', ?, ?, '[]') RETURNING number",
        opened.subject, opened.category, opened.topic, opened.status.value, opened.language, to_micros(now),
        opened.follow_up_of, opened.is_incoming, _json(opened.fields),
    )  # fmt: skip
    for position, person in enumerate(opened.participants):
        tx.run(
            "INSERT INTO participants (ticket, address, name, position, created_at, is_incoming)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (ticket, address) DO NOTHING",
            number, person.address, person.name, position, to_micros(now), opened.is_incoming,
        )  # fmt: skip
    return number


def add_message(tx: Tx, number: int, message: AddMessage, mail: int | None) -> int:
    """A new entry of a ticket's thread, cut from that mail; its id."""
    added = tx.new_id(
        "INSERT INTO messages (ticket, mail, at, author, author_name, role, is_note, text, reply, attachments, trust,"
        " message_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        number, mail, to_micros(message.at), message.author.address, message.author.name, message.role.value,
        message.is_note, message.text, message.reply, json.dumps([asdict(file) for file in message.attachments]),
        message.trust.value, message.message_id,
    )  # fmt: skip
    if message.role is Role.CUSTOMER:
        mine.mark_seen(tx, number, message.author.address, added)
    elif not message.is_note:
        mine.mark_answered(tx, number, added)
    return added


def said_before(tx: Tx, number: int, author: str, words: str) -> int:
    """The ticket, that one or a follow-up of it, in which a customer has said just these words; 0 if he has not."""
    row = tx.one(
        "SELECT m.ticket FROM messages m JOIN tickets t ON t.number = m.ticket WHERE m.author = ? AND m.reply = ?"
        " AND m.role = 'customer' AND (t.number = ? OR t.follow_up_of = ?) ORDER BY m.id DESC LIMIT 1",
        author, words, number, number,
    )  # fmt: skip
    return int(row[0]) if row else 0


def is_recorded(tx: Tx, number: int, entry: Record, since: datetime) -> bool:
    """Does the history have that line about that person from then on, for the same reason?"""
    found = tx.one(
        "SELECT 1 FROM events WHERE ticket = ? AND event = ? AND who = ? AND reason = ? AND at >= ?",
        number, entry.event.value, entry.who, entry.reason, to_micros(since),
    )  # fmt: skip
    return found is not None


def pictures_in(tx: Tx, number: int) -> frozenset[str]:
    """The hashes of all pictures that stand in the text of a ticket's messages: signatures repeat theirs each time."""
    rows = tx.all("SELECT attachments FROM messages WHERE ticket = ?", number)
    files = (file for row in rows for file in json.loads(row[0]))
    return frozenset(file["sha256"] for file in files if file["inline"])


def message_of_mail(tx: Tx, mail: int) -> int | None:
    """The first entry that was cut from that mail, or None."""
    row = tx.one("SELECT id FROM messages WHERE mail = ? ORDER BY id LIMIT 1", mail)
    return int(row[0]) if row else None


def set_status(tx: Tx, number: int, change: SetStatus, now: datetime) -> None:
    """The status; with `solved_at` a new round. A ticket that opens again has left its round behind."""
    filings.ticket_changed(tx, number)
    if change.status is Status.CLOSED:
        until = ", reopen_until = NULL" if change.is_final else ""
        tx.run(
            f"UPDATE tickets SET status = ?, closed_at = ?{until} WHERE number = ?",
            change.status.value, to_micros(now), number,
        )  # fmt: skip
        return
    tx.run(
        "UPDATE tickets SET status = ?, solved_at = ?, reopen_until = ?, auto_solve_at = ?, confirmed_at = NULL,"
        " reminded_at = NULL WHERE number = ?",
        change.status.value, maybe_to(change.solved_at), maybe_to(change.reopen_until),
        maybe_to(change.auto_solve_at), number,
    )  # fmt: skip


def set_fields(tx: Tx, number: int, values: Mapping[str, str]) -> None:
    """What the card of the ticket's topic says now."""
    tx.run("UPDATE tickets SET fields = ? WHERE number = ?", _json(values), number)


def _json(values: Mapping[str, str]) -> str:
    return json.dumps(dict(values), ensure_ascii=False)


def confirm(tx: Tx, number: int, at: datetime) -> None:
    """The customer said that the problem is solved; the first time in a round counts."""
    tx.run("UPDATE tickets SET confirmed_at = COALESCE(confirmed_at, ?) WHERE number = ?", to_micros(at), number)


def remind(tx: Tx, number: int, at: datetime) -> None:
    """The customers of the ticket were reminded of this round's deadline."""
    tx.run("UPDATE tickets SET reminded_at = ? WHERE number = ?", to_micros(at), number)


def record(tx: Tx, number: int, entry: Record, reason: str, now: datetime) -> None:
    """A line of history."""
    tx.run(
        "INSERT INTO events (ticket, at, event, who, via, reason) VALUES (?, ?, ?, ?, ?, ?)",
        number, to_micros(now), entry.event.value, entry.who, entry.via, reason,
    )  # fmt: skip
