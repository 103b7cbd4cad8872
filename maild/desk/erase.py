"""A person is erased: what is known of him goes, his tickets stay as skeletons, and nobody is written to."""

import secrets

from maild.core.effects import Event, Record, SetStatus, Way
from maild.core.errors import NotAllowed
from maild.core.ticket import Status
from maild.desk.desk import Desk
from maild.store import audit, erasure, tickets
from maild.store.db import Tx


def known_of(desk: Desk, address: str) -> erasure.Known:
    """What is known of the person with that normalised address. Raises NotAllowed for support and the desk itself."""
    if desk.policy.is_support(address) or desk.policy.is_desk_address(address):
        raise NotAllowed(f"{address} belongs to the desk: take it out of the configuration first")
    return desk.store.read_now(erasure.known, address)


def erase(desk: Desk, address: str, who: str) -> tuple[str, erasure.Known]:
    """Erase him; the address that stands in for his, and what was known.

    The audit list tells what was done, but not to whom. Raises NotAllowed as `known_of` does.
    """
    known_of(desk, address)
    return desk.store.run_now(_erase, desk, address, who)


def _erase(tx: Tx, desk: Desk, address: str, who: str) -> tuple[str, erasure.Known]:
    now, stand_in = desk.now(), f"erased-{secrets.token_hex(4)}@erased.invalid"
    known = erasure.known(tx, address)
    for number in known.unclosed:
        tickets.set_status(tx, number, SetStatus(number, Status.CLOSED, is_final=True), now)
        tickets.record(tx, number, Record(number, Event.CLOSED, who, "cli", Way.CLI), Way.CLI, now)
    erasure.erase(tx, address, known, stand_in, now)
    told = f"{len(known.own) + len(known.shared)} tickets, {len(known.mails)} mails, {len(known.letters)} letters"
    audit.add(tx, now, act="person erased", who=who, via="cli", what=stand_in, reason=told)
    return stand_in, known
