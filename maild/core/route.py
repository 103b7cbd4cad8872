"""Recipient address → category, topic, token: whom a mail is for (SPEC sections 2 and 5)."""

from dataclasses import dataclass

from maild.core.address import normalise, split_detail
from maild.core.policy import Category, Policy
from maild.core.tokens import Signed, read_detail


@dataclass(frozen=True, slots=True)
class Route:
    """Where one recipient address leads. `topic` is "" without one; `detail` is what stood behind the plus sign."""

    category: str
    topic: str
    detail: str
    reply_token: Signed | None
    is_general: bool


def category_for(recipient: str, policy: Policy) -> Route | None:
    """The route of an envelope recipient, or None: then RCPT is answered with 550.

    Exact addresses come before subaddressed ones (RFC 5233). An unknown +detail still reaches the category: a customer
    who mistyped a topic must not be turned away.
    """
    for address, rest in ((normalise(recipient), ""), split_detail(recipient)):
        if address and address == policy.general_address:
            return _route(policy.category(policy.default_category), rest, is_general=True)
        for category in policy.categories:
            if address == category.address:
                return _route(category, rest, is_general=False)
    return None


def _route(category: Category, detail: str, *, is_general: bool) -> Route:
    token = read_detail(detail)
    topic = category.topic(detail)
    return Route(
        category=category.key,
        topic=topic.key if topic else "",
        detail=detail,
        reply_token=token[1] if token and token[0] == "t" else None,
        is_general=is_general,
    )
