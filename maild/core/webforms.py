"""A web form writes in the name of its visitor: the one sender whose Reply-To is used (SPEC section 4)."""

from dataclasses import replace

from maild.core.address import is_mailbox, normalise
from maild.core.mail import Mail
from maild.core.policy import Policy
from maild.core.trust import Trust


def spoken_by_visitor(mail: Mail, trust: Trust, policy: Policy) -> Mail | None:
    """The mail with the visitor as its author if a configured form wrote it, verified; None for any other mail.

    Nobody has checked what a visitor types: he is unverified, and since anybody can type any address, a form's mail
    counts as generated and is never answered automatically.
    """
    if mail.author is None or trust is not Trust.VERIFIED:
        return None
    form = normalise(mail.author.address)
    if form not in policy.form_senders or len(mail.reply_to) != 1:
        return None
    visitor = mail.reply_to[0]
    if not is_mailbox(visitor.address) or policy.is_desk_address(visitor.address):
        return None
    return replace(mail, author=visitor, is_auto_generated=True)
