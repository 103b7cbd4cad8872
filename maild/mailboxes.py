"""The mailboxes on servers that this node looks after: a guarded task for each, and what health may know of them."""

import asyncio
import secrets
from collections.abc import Mapping

from maild.config import Config
from maild.config_mailbox import Imap
from maild.desk.desk import Desk
from maild.mailbox.intake import Reading
from maild.mailbox.keeper import MailboxState, keep
from maild.mailbox.team import Keeping
from maild.store import mailboxes
from maild.web.jobs import MailboxReport
from maild.wiring import intake_for, place_of, shadow_for

_QUEUE = "\tqueue"  # no name in the configuration holds a tab


class Mailboxes:
    """All mailboxes of the configuration. `from_beginning`: old mail that lies there is taken too, in silence."""

    def __init__(self, desk: Desk, config: Config, *, from_beginning: bool = False) -> None:
        self._desk, self._config, self._from_beginning = desk, config, from_beginning
        self._holder = secrets.token_hex(8)
        self.states = {
            mailbox.name: MailboxState(mailbox.name, mailbox.category or "")
            for mailbox in config.imap
            if mailbox.is_intake
        }
        categories = {mailbox.name: mailbox.category or "" for mailbox in config.imap}
        self._queues = {
            queue.name: MailboxState(f"{queue.name}{_QUEUE}", categories[queue.name]) for queue in desk.policy.queues
        }

    async def run(self) -> None:
        """Look after all of them, until cancelled. None of them stops the others, or raises."""
        async with asyncio.TaskGroup() as group:
            for mailbox in self._config.imap:
                if mailbox.shadow:
                    shadow = shadow_for(self._desk, self._config, mailbox)
                    state = MailboxState(mailbox.name, is_shadow=True)
                    group.create_task(keep(self._desk, place_of(mailbox), shadow.work, state, self._holder))
                if mailbox.is_intake:
                    state = self.states[mailbox.name]
                    intake = intake_for(self._desk, self._config, mailbox, from_beginning=self._from_beginning)
                    work = Reading(intake, state).work
                    group.create_task(keep(self._desk, place_of(mailbox), work, state, self._holder))
                if mailbox.name in self._queues:
                    group.create_task(self._keep_queue(mailbox))

    async def _keep_queue(self, mailbox: Imap) -> None:
        """On a connection of its own: the other one waits for new mail."""
        state = self._queues[mailbox.name]
        queue = next(queue for queue in self._desk.policy.queues if queue.name == mailbox.name)
        await keep(self._desk, place_of(mailbox), Keeping(self._desk, queue, state).work, state, self._holder)

    async def reports(self) -> Mapping[str, MailboxReport]:
        """How they do. Raises StoreBusy."""
        sweeps = await self._desk.store.read(mailboxes.last_sweeps, list(self.states))
        found = {
            name: MailboxReport(sweeps[name], state.trouble, is_elsewhere=state.is_elsewhere)
            for name, state in self.states.items()
        }
        for name, queue in self._queues.items():
            read = found.get(name, MailboxReport())
            is_elsewhere = read.is_elsewhere or queue.is_elsewhere
            found[name] = MailboxReport(read.last_sweep, read.trouble or queue.trouble, is_elsewhere=is_elsewhere)
        return found
