"""A mail that lies in a mailbox or an archive, without its envelope: whom it is from and for, and when it came.

Anybody can have written the fields that say so: they are a guide for mail that is ours already, not a proof.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from maild.mime import fields, mailboxes, moments, parts

# What servers write at delivery comes before what the author wrote.
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "apparently-to")
_LMTP = re.compile(r"\swith\s+(?:UTF8)?LMTP", re.IGNORECASE)
_WRITTEN = ("to", "cc", "resent-to", "resent-cc", "bcc")


@dataclass(frozen=True, slots=True)
class Stored:
    """`author` is that of From; `mail_from` "" is the null sender; `recipients` are as written; without a date there is
    no `moment`.

    `has_travelled`: a server has handed it on, and written that down (RFC 5321 §4.4). Copies of what was sent have not,
    but for those that the provider's submission server lays in. `is_delivered`: it was brought to a mailbox.
    """

    author: str
    mail_from: str
    recipients: tuple[str, ...]
    moment: datetime | None
    has_travelled: bool
    is_delivered: bool


def stored_facts(raw: bytes) -> Stored:
    """What the header section of a raw mail says of its delivery. Never raises, on any bytes."""
    found, _ = fields.split_section(parts.header_of(fields.without_nul(raw))[: parts.MAX_HEADER])
    values: dict[str, list[str]] = {}
    for name, value in found[: parts.MAX_FIELDS]:
        values.setdefault(name.lower(), []).append(fields.unfold(value, ""))
    told = (value for name in (*_DELIVERED, *_WRITTEN) for value in values.get(name, ()))
    people = mailboxes.read_list(", ".join(told))
    return Stored(
        author=_first(values, "from"),
        mail_from=_first(values, "return-path" if "return-path" in values else "from"),
        recipients=tuple(dict.fromkeys(person.address for person in people)),
        moment=_moment(values),
        has_travelled="received" in values,
        is_delivered=any(name in values for name in _DELIVERED) or _came_by_lmtp(values),
    )


def _first(values: dict[str, list[str]], name: str) -> str:
    """The first address of a field. Without Return-Path (RFC 5321 §4.4) the author stands in for the sender."""
    people = mailboxes.read_list(values.get(name, [""])[0])
    return people[0].address if people else ""


def _came_by_lmtp(values: dict[str, list[str]]) -> bool:
    """Some servers write no Delivered-To, but how they took it (RFC 3848)."""
    return any(_LMTP.search(value) for value in values.get("received", []))


def _moment(values: dict[str, list[str]]) -> datetime | None:
    """When the last server took it, else when it was written."""
    told = [value.rpartition(";")[2].strip() for value in values.get("received", [])[:1]] + values.get("date", [])[:1]
    return next((moment for value in told if (moment := moments.read(None, value))), None)
