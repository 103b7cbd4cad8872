"""How mail gets into the ledger: a row for each that was not seen before, and a record of every arrival."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from maild.core.effects import Reason
from maild.core.identity import Identity
from maild.core.mail import Envelope, Form
from maild.store import muted
from maild.store.db import Tx
from maild.store.ledger import BELL
from maild.store.packing import Packed
from maild.store.times import to_micros


@dataclass(frozen=True, slots=True)
class Delivery:
    """A mail at the door. `source_key` names a place that can be read again, so that nothing is entered twice.

    `then` is done in the same transaction.
    """

    packed: Packed
    identity: Identity
    envelope: Envelope
    source_key: str | None = None
    then: Callable[[Tx], object] | None = None


def put_all(tx: Tx, deliveries: Sequence[Delivery]) -> list[tuple[int, bool]]:
    """What `put` returns for each of them, in their order; mails not seen before cost two statements together."""
    if len(deliveries) == 1 or any(each.source_key is not None for each in deliveries):
        return [put(tx, each) for each in deliveries]
    new = _put_new(tx, deliveries)
    first = [new.pop(each.identity, None) for each in deliveries]
    arrived = [(each, mail) for each, mail in zip(deliveries, first, strict=True) if mail is not None]
    if arrived:
        tx.ring(BELL)
        _add_arrivals(tx, [_arrival(each, mail, is_routed=False) for each, mail in arrived])
    return [put(tx, each) if mail is None else (mail, True) for each, mail in zip(deliveries, first, strict=True)]


def put(tx: Tx, delivery: Delivery) -> tuple[int, bool]:
    """Enter one delivery; the mail's id, and whether there is anything to do about it.

    A mail we already have gets a delivery record only; if that brings recipients not seen before, it is routed again.
    While earlier deliveries wait, the new one waits with them: "routed" says that the mail itself has been settled.
    The same `source_key` a second time (a sweep that was cut off) changes nothing at all.
    """
    if delivery.then is not None:
        delivery.then(tx)
    if delivery.source_key is not None:
        row = tx.one("SELECT mail FROM arrivals WHERE source_key = ?", delivery.source_key)
        if row is not None:
            return int(row[0]), False
    new = _put_new(tx, [delivery]).get(delivery.identity)
    mail = _known(tx, delivery.identity) if new is None else new
    seen = _recipients(tx, mail) if new is None else set()
    is_no_junk = new is None and _is_no_junk(tx, mail, delivery.envelope)
    fresh = new is not None or is_no_junk or not seen.issuperset(delivery.envelope.rcpt_tos)
    if fresh:
        tx.ring(BELL)
    _add_arrivals(tx, [_arrival(delivery, mail, is_routed=not fresh and not _has_waiting_arrival(tx, mail))])
    if fresh and new is None:
        _wake(tx, mail, delivery.packed)
    return mail, fresh


def _wake(tx: Tx, mail: int, packed: Packed) -> None:
    """A settled mail is to be routed again; its bytes, if they were deleted, have just come back."""
    tx.run(
        "UPDATE mails SET state = 'spooled', octets = CASE WHEN length(octets) > 0 THEN octets ELSE ? END"
        " WHERE id = ? AND state = 'done'",
        packed.data, mail,
    )  # fmt: skip


def _is_no_junk(tx: Tx, mail: int, envelope: Envelope) -> bool:
    """A mail that was held for lying in a folder for spam turns up elsewhere: somebody has moved it. It counts now."""
    if envelope.mark:
        return False
    row = tx.one(
        "UPDATE mails SET state = 'spooled', attempts = 0, leased_until = 0, announced_at = NULL"
        " WHERE id = ? AND state = 'held' AND reason = ? RETURNING sender",
        mail, Reason.HELD_JUNK.value,
    )  # fmt: skip
    if row is not None:
        muted.remove(tx, row[0])
    return row is not None


def _put_new(tx: Tx, deliveries: Sequence[Delivery]) -> dict[Identity, int]:
    """Rows for mails not seen before, their ids in the order of arrival; nothing for the others."""
    values = ", ".join(["(?, ?, ?, ?, ?, 'spooled', 0, '', '', '', '', '', FALSE, 0)"] * len(deliveries))
    rows = tx.all(
        "INSERT INTO mails (message_id, content_key, octets, size, received_at, state, attempts, reason, sender,"
        f" subject, kind, trust, is_released, leased_until) VALUES {values}"
        " ON CONFLICT (message_id, content_key) DO NOTHING RETURNING id, message_id, content_key",
        *(value for each in deliveries for value in _mail(each)),
    )
    return {Identity(row[1], row[2]): int(row[0]) for row in rows}


def _mail(delivery: Delivery) -> tuple[object, ...]:
    identity, packed = delivery.identity, delivery.packed
    received_at = to_micros(delivery.envelope.received_at)
    return identity.message_id, identity.content_key, packed.data, packed.size, received_at


def _known(tx: Tx, identity: Identity) -> int:
    """The mail, locked: a worker that settles it right now sees this delivery, or this delivery that it is settled."""
    found = tx.one(
        f"SELECT id FROM mails WHERE message_id = ? AND content_key = ?{tx.lock}",
        identity.message_id, identity.content_key,
    )  # fmt: skip
    if found is None:
        raise LookupError("a mail that conflicts is not there")
    return int(found[0])


_ARRIVAL = (
    'INSERT INTO arrivals (mail, door, source_key, peer, is_trusted_peer, "user", mail_from, rcpt_tos, received_at,'
    " results, is_silent, mark, form, is_routed) VALUES "
)


def _arrival(delivery: Delivery, mail: int, *, is_routed: bool) -> tuple[object, ...]:
    envelope = delivery.envelope
    return (
        mail, envelope.door.value, delivery.source_key, envelope.peer, envelope.is_trusted_peer, envelope.user,
        envelope.mail_from, json.dumps(envelope.rcpt_tos), to_micros(envelope.received_at), envelope.results,
        envelope.is_silent, envelope.mark.value, _form_text(envelope.form), is_routed,
    )  # fmt: skip


def _form_text(form: Form | None) -> str:
    """As JSON, "" without one."""
    return json.dumps(asdict(form), ensure_ascii=False) if form else ""


def _add_arrivals(tx: Tx, arrivals: Sequence[tuple[object, ...]]) -> None:
    values = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(arrivals))
    tx.run(_ARRIVAL + values, *(value for arrival in arrivals for value in arrival))


def _recipients(tx: Tx, mail: int) -> set[str]:
    rows = tx.all("SELECT rcpt_tos FROM arrivals WHERE mail = ?", mail)
    return {address for row in rows for address in json.loads(row[0])}


def _has_waiting_arrival(tx: Tx, mail: int) -> bool:
    return tx.one("SELECT 1 FROM arrivals WHERE mail = ? AND NOT is_routed", mail) is not None
