"""accept(): raw mail into the ledger. The one intake of all doors; only when it returns may a door say yes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from maild.core.identity import Identity, identity_of
from maild.core.mail import Envelope
from maild.core.received import received_moment
from maild.desk.desk import Desk
from maild.store import arrivals
from maild.store.db import Tx
from maild.store.packing import Packed, pack

_SMALL = 64 * 1024  # octets; hashing and compressing more than that is not for the event loop


async def accept(
    desk: Desk,
    raw: bytes,
    envelope: Envelope,
    source_key: str | None = None,
    then: Callable[[Tx], object] | None = None,
) -> int:
    """Make a mail durable and wake the workers; the id of its ledger row.

    `source_key` names a place that can be read again after a crash (mailbox and UID). A mail that is known already
    becomes one more delivery of the same row. `then` is done in the same transaction, if there is a `source_key`.
    Raises StoreBusy if it could not be committed: nothing was taken then.
    """
    envelope = replace(envelope, received_at=received_moment(raw, envelope, desk.policy.trust))
    with desk.rush.taking(len(raw)):
        if len(raw) <= _SMALL:
            identity, packed = _prepare(raw)
        else:
            identity, packed = await asyncio.to_thread(_prepare, raw)
        delivery = arrivals.Delivery(packed, identity, envelope, source_key, then)
        mail, is_fresh = await desk.store.run_together(arrivals.put_all, delivery)
    if is_fresh:
        desk.wake.mail.set()
    return mail


def _prepare(raw: bytes) -> tuple[Identity, Packed]:
    return identity_of(raw), pack(raw)
