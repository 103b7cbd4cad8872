"""The mailboxes on servers that this node looks after: a guarded task for each, and what health may know of them."""

import asyncio
import secrets
from collections.abc import Mapping

from maild.config import Config
from maild.desk.desk import Desk
from maild.mailbox.intake import Reading
from maild.mailbox.keeper import MailboxState, keep
from maild.store import mailboxes
from maild.web.jobs import MailboxReport
from maild.wiring import intake_for, place_of


class Mailboxes:
    """All mailboxes of the configuration. `from_beginning`: old mail that lies there is taken too, in silence."""

    def __init__(self, desk: Desk, config: Config, *, from_beginning: bool = False) -> None:
        self._desk, self._config, self._from_beginning = desk, config, from_beginning
        self._holder = secrets.token_hex(8)
        self.states = {mailbox.name: MailboxState(mailbox.name) for mailbox in config.imap if mailbox.is_intake}

    async def run(self) -> None:
        """Look after all of them, until cancelled. None of them stops the others, or raises."""
        async with asyncio.TaskGroup() as group:
            for mailbox in self._config.imap:
                if mailbox.is_intake:
                    state = self.states[mailbox.name]
                    intake = intake_for(self._desk, self._config, mailbox, from_beginning=self._from_beginning)
                    work = Reading(intake, state).work
                    group.create_task(keep(self._desk, place_of(mailbox), work, state, self._holder))

    async def reports(self) -> Mapping[str, MailboxReport]:
        """How they do. Raises StoreBusy."""
        sweeps = await self._desk.store.read(mailboxes.last_sweeps, list(self.states))
        return {
            name: MailboxReport(sweeps[name], state.trouble, is_elsewhere=state.is_elsewhere)
            for name, state in self.states.items()
        }
