"""Address and date fields by mail-parser, from a header section repaired for it; what breaks the rules by our own.

mail-parser loses raw 8-bit octets and fails on some fields; it is given clean Unicode and asked for these fields only.
Who the one author is has to be the same by both readings.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime

import mailparser

from maild.core.mail import Mailbox
from maild.mime import fields, mailboxes, moments

_ENCODED_RUN = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?]*\?=(?:[ \t]*=\?[^?\s]+\?[bBqQ]\?[^?]*\?=)*")
_BARE = re.compile(r"[^\s<>@,;:\"()\[\]]{1,64}@[^\s<>@,;:\"()\[\]]{1,255}")
_ADDR_SPEC = r"[^\s<>@,;:\"'()\[\]\\=]++@[^\s<>@,;:\"'()\[\]\\=]++"
_PHRASE = r'(?:"(?:[^"\\]|\\.)*+"|[^<>@,;:"()\\]++)*+'
_ITEM = rf"(?:{_ADDR_SPEC}\s*+|{_PHRASE}<{_ADDR_SPEC}>\s*+)"
_WELL_FORMED = re.compile(rf"\s*+{_ITEM}(?:,\s*+{_ITEM})*+")
_FOR_DISPLAY = ("reply-to", "sender", "return-path")
_MAX_VALUE = 64 * 1024  # characters of one address field that are looked at


@dataclass(frozen=True, slots=True)
class People:
    """Who wrote to whom, and when. `defects` names what had to be repaired."""

    author: Mailbox | None
    is_author_sole: bool
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    date: datetime | None
    defects: tuple[str, ...]
    reply_to: tuple[Mailbox, ...] = ()
    is_author_stand_in: bool = False


def read_people(values: dict[str, list[str]]) -> People:
    """Read addresses and Date. `values` maps lower-case names to unfolded, still encoded values, top first."""
    wanted = {name: ", ".join(values.get(name, ()))[:_MAX_VALUE] for name in ("from", "to", "cc")}
    date = values.get("date", [""])[0]
    section = "".join(f"{name}: {_for_parser(value)}\n" for name, value in wanted.items() if value)
    parsed = _parsed(f"{section}Date: {moments.repaired(date)}\n\n")
    author, is_sole, defects = _author(values, _mailboxes(parsed, "from_", wanted["from"]), parsed)
    stand_in = None if author else _stand_in(values)
    moment = moments.read(getattr(parsed, "date", None), date)
    if date and moment is None:
        defects.append("date not understood")
    return People(
        author or stand_in,
        is_sole,
        _mailboxes(parsed, "to", wanted["to"]),
        _mailboxes(parsed, "cc", wanted["cc"]),
        moment,
        tuple(defects),
        mailboxes.read_list(", ".join(values.get("reply-to", ()))[:_MAX_VALUE]),
        stand_in is not None,
    )


def _parsed(section: str) -> mailparser.MailParser | None:
    try:
        return mailparser.parse_from_string(section)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):  # the standard library reads it then
        return None


def _author(
    values: dict[str, list[str]], authors: tuple[Mailbox, ...], parsed: mailparser.MailParser | None
) -> tuple[Mailbox | None, bool, list[str]]:
    """The author, whether he is the only one, and what was odd (RFC 5322 §3.6.2 allows several, RFC 7489 none)."""
    count = len(values.get("from", ()))
    strict = _pairs(parsed, "from_")
    is_certain = not _odd_items(parsed) and [one.address for one in strict] == [one.address for one in authors]
    if count == 1 and len(authors) == 1 and is_certain:
        return authors[0], True, []
    defects = [f"{count} From fields" if count != 1 else f"{len(authors)} mailboxes in From"]
    if count == 1 and len(authors) == 1:
        defects = ["From is malformed"]
    if authors:
        return authors[0], False, defects
    return mailboxes.read_name(", ".join(values.get("from", ()))), False, defects


def _stand_in(values: dict[str, list[str]]) -> Mailbox | None:
    """Whom to show where From is empty."""
    for name in _FOR_DISPLAY:
        found = mailboxes.read_list(", ".join(values.get(name, ())))
        if found:
            return found[0]
    return None


def _odd_items(parsed: mailparser.MailParser | None) -> list[str]:
    """Items of From that hold an address without being one: then nobody can say who the author is."""
    if parsed is None:
        return ["unreadable"]
    found = []
    for defect in parsed.address_header_defects:
        if defect["header"] != "from":
            continue
        shown = {one["address"].lower() for one in defect["candidates"]}
        others = {match.lower() for match in _BARE.findall(defect["raw"])} - shown
        if others or (not defect["recovered"] and "@" in defect["raw"]):
            found.append(str(defect["reason"]))
    return found


def _mailboxes(parsed: mailparser.MailParser | None, name: str, value: str) -> tuple[Mailbox, ...]:
    """The mailboxes of one field: mail-parser's if it keeps the rules, else those that can be made out."""
    found = _pairs(parsed, name) if _WELL_FORMED.fullmatch(_for_parser(value)) else ()
    return found or mailboxes.read_list(value)


def _pairs(parsed: mailparser.MailParser | None, name: str) -> tuple[Mailbox, ...]:
    pairs = getattr(parsed, name, None) if parsed is not None else None
    return tuple(_mailbox(*pair) for pair in pairs or () if isinstance(pair, tuple) and "@" in pair[1])


def _mailbox(name: str, address: str) -> Mailbox:
    words = " ".join(fields.decode_words(name).split()).strip("\"' ")
    kept = address if address.startswith('"') else "".join(address.split())
    return Mailbox("" if words.lower() == kept.lower() else words, kept)


def _for_parser(value: str) -> str:
    """Encoded words in a charset the parser surely knows, so that names are decoded by our rules."""
    return _ENCODED_RUN.sub(lambda run: _encoded(fields.decode_words(run[0])), value) if "=?" in value else value


def _encoded(text: str) -> str:
    return f"=?utf-8?B?{b64encode(text.encode()).decode('ascii')}?="
