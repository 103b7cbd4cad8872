"""The one plain note to a team whose desk has stopped answering strangers, because they made it write too much."""

import secrets
from datetime import datetime, timedelta

from maild.core.address import domain_of
from maild.core.effects import OPENED, Send
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.sends import support_language
from maild.core.tokens import Purpose, new_nonce
from maild.desk.desk import Desk
from maild.store import leases, outbox
from maild.store.db import Tx

_ONCE_IN = timedelta(hours=1)


def tell_of_budget(tx: Tx, desk: Desk, category: str, now: datetime) -> None:
    """Tell the team of that category, unless it has been told within the last hour."""
    nonce = new_nonce(secrets.token_bytes(10))
    if not leases.take(tx, f"budget note {category}", nonce, now, _ONCE_IN):
        return
    domain = domain_of(desk.policy.category(category).address)
    for address in desk.policy.category(category).team:
        send = Send(
            letter=Letter.BUDGET,
            ticket=OPENED,
            to=Mailbox("", address),
            purpose=Purpose.NOTE,
            language=support_language(desk.policy, address),
            context={"category": category},
        )
        outbox.add(tx, send, None, None, f"{new_nonce(secrets.token_bytes(10))}@{domain}", now)
