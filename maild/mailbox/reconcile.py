"""Compares a folder on a server with the ledger; changes neither."""

from dataclasses import dataclass, replace

from maild.desk.desk import Desk
from maild.mailbox.protocol import Mailbox
from maild.store import mailboxes
from maild.store.mailboxes import Progress


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many messages of those that are our business lie in the folder, how many of them are in the ledger, and the
    UIDs of the others.
    """

    mailbox: str
    on_server: int
    in_ledger: int
    missing: tuple[int, ...]


async def reconcile(desk: Desk, mailbox: Mailbox, name: str, folder: str) -> Reconciled:
    """Compare. Mail that was there before the desk came is not its business. Raises Unreachable, ServerRefused."""
    selected = await mailbox.select(folder, read_only=True)
    progress = await desk.store.read(mailboxes.progress, name)
    if progress is None:
        return Reconciled(name, 0, 0, ())
    is_same = progress.uidvalidity == selected.uidvalidity
    uids = await mailbox.uids(progress.first_uid if is_same else 1)
    passed = await desk.store.read(mailboxes.passed_over, name, selected.uidvalidity)
    older = set() if is_same or progress.takes_old else await _older(mailbox, replace(progress, is_second=True), uids)
    ours = [uid for uid in uids if passed.get(uid) != mailboxes.OLDER and uid not in older]
    taken = await desk.store.read(mailboxes.in_ledger, name, selected.uidvalidity, ours)
    return Reconciled(name, len(ours), len(taken), tuple(uid for uid in ours if uid not in taken))


async def _older(mailbox: Mailbox, progress: Progress, uids: list[int]) -> set[int]:
    """Under other UIDs than we know: what was there before the desk came, by its moment."""
    return {one.uid for one in await mailbox.messages(uids) if progress.is_old(one.uid, one.internaldate)}
