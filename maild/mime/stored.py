"""A mail that lies in a mailbox or an archive, without its envelope: whom it is from and for, and when it came.

Anybody can have written the fields that say so: they are a guide for mail that is ours already, not a proof.
"""

from dataclasses import dataclass
from datetime import datetime

from maild.mime import fields, mailboxes, moments, parts

# What servers write at delivery comes before what the author wrote.
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "apparently-to")
_WRITTEN = ("to", "cc", "resent-to", "resent-cc", "bcc")


@dataclass(frozen=True, slots=True)
class Stored:
    """`mail_from` is "" for the null sender; `recipients` are as written; `moment` is None without a date."""

    mail_from: str
    recipients: tuple[str, ...]
    moment: datetime | None


def stored_facts(raw: bytes) -> Stored:
    """What the header section of a raw mail says of its delivery. Never raises, on any bytes."""
    found, _ = fields.split_section(parts.header_of(fields.without_nul(raw))[: parts.MAX_HEADER])
    values: dict[str, list[str]] = {}
    for name, value in found[: parts.MAX_FIELDS]:
        values.setdefault(name.lower(), []).append(fields.unfold(value, ""))
    told = (value for name in (*_DELIVERED, *_WRITTEN) for value in values.get(name, ()))
    people = mailboxes.read_list(", ".join(told))
    return Stored(_sender(values), tuple(dict.fromkeys(person.address for person in people)), _moment(values))


def _sender(values: dict[str, list[str]]) -> str:
    """Return-Path (RFC 5321 §4.4); without one the author stands in, since only servers leave the sender empty."""
    for name in ("return-path", "from"):
        for value in values.get(name, [])[:1]:
            people = mailboxes.read_list(value)
            return people[0].address if people else ""
    return ""


def _moment(values: dict[str, list[str]]) -> datetime | None:
    """When the last server took it, else when it was written."""
    told = [value.rpartition(";")[2].strip() for value in values.get("received", [])[:1]] + values.get("date", [])[:1]
    return next((moment for value in told if (moment := moments.read(None, value))), None)
