"""A folder in shadow: what comes in is read and judged, and told, but nothing changes, neither there nor here.

What would join a ticket that exists only in shadow is told as a new question.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from maild.core.mail import Door, Envelope
from maild.core.route import category_for
from maild.desk.desk import Desk
from maild.desk.shadow import Foreseen, foresee
from maild.mailbox.protocol import Mailbox
from maild.mime.line_ends import with_crlf
from maild.mime.stored import stored_facts

log = logging.getLogger(__name__)

_IDLE = 120.0  # seconds between two looks that nothing has called for


@dataclass(frozen=True, slots=True)
class Shadowed:
    """A message on the server, and what would become of it."""

    uid: int
    received_at: datetime
    foreseen: Foreseen


@dataclass(slots=True)
class Shadow:
    """A folder that is watched. `mailbox` is its name in the configuration, `category` for mail to no desk address."""

    desk: Desk
    mailbox: str
    folder: str
    category: str
    _uidvalidity: int = 0
    _newest: int = 0  # UID that has been told of
    _failed: int = 0  # UID that ended a connection

    async def work(self, mailbox: Mailbox) -> None:
        """Tell of what comes from now on, in the log, until cancelled. Raises Unreachable, ServerRefused.

        A new connection goes on where the last one ended.
        """
        selected = await mailbox.select(self.folder, read_only=True)
        if selected.uidvalidity != self._uidvalidity:
            self._uidvalidity, self._newest = selected.uidvalidity, max(await mailbox.uids(), default=0)
        while True:
            for uid in await mailbox.uids(self._newest + 1):
                await self._tell_of(mailbox, uid)
                self._newest = uid
            await mailbox.idle(_IDLE)

    async def _tell_of(self, mailbox: Mailbox, uid: int) -> None:
        """What cannot be had twice is left out: it must not hide the others."""
        if uid == self._failed:
            log.warning("shadow %s: UID %d cannot be read", self.mailbox, uid)
            return
        self._failed = uid
        for one in await self._tell(mailbox, [uid]):
            log.info("shadow %s: UID %d %s", self.mailbox, uid, one.foreseen.words)
        self._failed = 0

    async def recent(self, mailbox: Mailbox, count: int) -> list[Shadowed]:
        """What would become of the newest so many messages, if they came now. Raises as `work`."""
        await mailbox.select(self.folder, read_only=True)
        return await self._tell(mailbox, (await mailbox.uids())[-count:])

    async def _tell(self, mailbox: Mailbox, uids: Iterable[int]) -> list[Shadowed]:
        found = []
        for message in await mailbox.messages(uids):
            raw = await mailbox.fetch(message.uid)
            if raw is not None:
                envelope = self._envelope(with_crlf(raw), message.internaldate)
                foreseen = await foresee(self.desk, with_crlf(raw), envelope)
                found.append(Shadowed(message.uid, message.internaldate, foreseen))
        return found

    def _envelope(self, raw: bytes, received_at: datetime) -> Envelope:
        facts, policy = stored_facts(raw), self.desk.policy
        ours = tuple(address for address in facts.recipients if category_for(address, policy))
        return Envelope(
            mail_from=facts.mail_from,
            rcpt_tos=ours or (policy.category(self.category).address,),
            door=Door.IMAP,
            peer=self.mailbox,
            is_trusted_peer=True,
            user="",
            received_at=min(received_at, self.desk.now()),
        )
