"""Recipient address → category, topic, token: whom a mail is for (SPEC sections 2 and 5)."""

import re
from dataclasses import dataclass, replace

from maild.core.address import normalise, split_detail
from maild.core.policy import Category, Policy
from maild.core.tokens import Signed, read_detail

_TOPIC_TAG = re.compile(r"\[([a-z0-9][a-z0-9_-]{0,31})\]", re.IGNORECASE | re.ASCII)


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


def by_subject(route: Route, subject: str, policy: Policy) -> Route:
    """The topic that a tag in the subject names (`[refund]`), where the address names none (SPEC section 2).

    Mail to the general address gets the category that has such a topic, the default one before the others.
    """
    if route.topic:
        return route
    own = policy.category(route.category)
    others = tuple(one for one in policy.categories if one != own) if route.is_general else ()
    for key in (found.lower() for found in _TOPIC_TAG.findall(subject)):
        for category in (own, *others):
            if category.topic(key):
                return replace(route, category=category.key, topic=key)
    return route
