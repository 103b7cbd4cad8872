"""Who may use whose account (SPEC section 11): an owner lets guests in, and out again at once. Every act is audited.

A guest may read and write the owner's tickets; the owner sees nothing of the guest's own.
"""

from dataclasses import dataclass

from maild.core.address import is_mailbox
from maild.core.errors import NotAllowed
from maild.core.rights import Actor, Right, Standing, authorise
from maild.desk.desk import Desk
from maild.store import audit, grants
from maild.store.db import Tx
from maild.store.grants import Grant

_MOST = 100  # guests of one account


@dataclass(frozen=True, slots=True)
class Access:
    """What the page shows: the guests of an account, and the accounts that are open to its owner."""

    guests: tuple[Grant, ...]
    hosts: tuple[Grant, ...]


async def look_at_access(desk: Desk, person: str) -> Access:
    """Whom this person has let in, and who has let him in."""
    return await desk.store.read(_look, person)


def _look(tx: Tx, person: str) -> Access:
    return Access(tuple(grants.given_by(tx, person)), tuple(grants.given_to(tx, person)))


async def grant(desk: Desk, owner: str, guest: str, actor: Actor, via: str) -> bool:
    """Let a guest into an account; False if he was. Addresses are normalised.

    Raises NotAllowed for an address that is none, the owner's own or the desk's, and when there are too many.
    """
    return await desk.store.run(_grant, desk, owner, guest, actor, via)


def _grant(tx: Tx, desk: Desk, owner: str, guest: str, actor: Actor, via: str) -> bool:
    _authorise(desk, actor, (owner,))
    if not (is_mailbox(owner) and is_mailbox(guest)) or guest == owner or desk.policy.is_desk_address(guest):
        raise NotAllowed(f"{guest} cannot be let into the account of {owner}")
    if len(grants.given_by(tx, owner)) >= _MOST:
        raise NotAllowed(f"the account of {owner} has {_MOST} guests")
    is_new = grants.give(tx, owner, guest, desk.now())
    if is_new:
        _note(tx, desk, "access granted", owner, guest, actor, via)
    return is_new


async def revoke(desk: Desk, owner: str, guest: str, actor: Actor, via: str) -> bool:
    """Let him in no more, from this moment; False if he was not. The owner may do it, and the guest himself."""
    return await desk.store.run(_revoke, desk, owner, guest, actor, via)


def _revoke(tx: Tx, desk: Desk, owner: str, guest: str, actor: Actor, via: str) -> bool:
    _authorise(desk, actor, (owner, guest))
    was_in = grants.take(tx, owner, guest)
    if was_in:
        _note(tx, desk, "access revoked", owner, guest, actor, via)
    return was_in


def _authorise(desk: Desk, actor: Actor, people: tuple[str, ...]) -> None:
    authorise(actor, Right.SHARE, "", None, desk.policy)
    if actor.standing is not Standing.OPERATOR and actor.address not in people:
        raise NotAllowed(f"{actor.address} may not share this account")


def _note(tx: Tx, desk: Desk, act: str, owner: str, guest: str, actor: Actor, via: str) -> None:
    audit.add(tx, desk.now(), act=act, who=actor.address, via=via, what=f"account {owner}", reason=f"guest {guest}")
