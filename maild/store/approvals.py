"""What support decided about held mail of its own: it waits here until the worker takes the mail up again."""

from maild.core.facts import Approval
from maild.core.tokens import HeldAction
from maild.store.db import Tx


def put(tx: Tx, mail: int, approval: Approval) -> None:
    """The newest decision counts."""
    tx.run(
        "INSERT INTO approvals (mail, action, person) VALUES (?, ?, ?)"
        " ON CONFLICT (mail) DO UPDATE SET action = excluded.action, person = excluded.person",
        mail, approval.action.value, approval.person,
    )  # fmt: skip


def of_mail(tx: Tx, mail: int) -> Approval | None:
    """The decision about a mail, or None."""
    row = tx.one("SELECT action, person FROM approvals WHERE mail = ?", mail)
    return Approval(HeldAction(row[0]), row[1]) if row else None


def remove(tx: Tx, mail: int) -> None:
    """It has been carried out, or counts no longer."""
    tx.run("DELETE FROM approvals WHERE mail = ?", mail)
