"""The note to a team whose mailbox on a server lets nobody in any more: only a person can mend that."""

import secrets
from datetime import timedelta

from maild.core.effects import OPENED, Send
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.sends import support_language
from maild.core.tokens import Purpose, new_nonce
from maild.desk.apply import queue_notice
from maild.desk.desk import Desk
from maild.store import leases
from maild.store.db import Tx

_ONCE_IN = timedelta(days=1)


async def tell_of_mailbox(desk: Desk, name: str, category: str) -> None:
    """Tell the team of that category ("" = the default one) that the login is refused; once a day at most."""
    await desk.store.run(_tell, desk, name, desk.policy.category(category).key)
    desk.wake.letters.set()


def _tell(tx: Tx, desk: Desk, name: str, category: str) -> None:
    now = desk.now()
    if not leases.take(tx, f"mailbox note {name}", new_nonce(secrets.token_bytes(10)), now, _ONCE_IN):
        return
    for address in desk.policy.category(category).team:
        send = Send(
            letter=Letter.MAILBOX,
            ticket=OPENED,
            to=Mailbox("", address),
            purpose=Purpose.NOTE,
            language=support_language(desk.policy, address),
            context={"category": category, "mailbox": name},
        )
        queue_notice(tx, desk, send, now)
