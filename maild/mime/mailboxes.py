"""Address lists that break RFC 5322, read as a person would: by their commas, angle brackets and the @ (linear time).

For what mail-parser cannot read or reads wrongly: names with bare commas, unclosed quotes and brackets, blanks inside
addresses, whole fields as one encoded word. Display names mean nothing: an address in a name is a name.
"""

import re
from collections import deque
from dataclasses import dataclass

from maild.core.mail import Mailbox
from maild.mime import fields

# One token: a quoted string, a comment, an encoded word, what stands in angle brackets, a separator, anything else.
# Possessive and with bounds, so that ends that never come cost little.
_TOKEN = re.compile(
    r'(?P<quoted>"(?:[^"\\]|\\.){0,500}+")'
    r"|(?P<comment>\((?:[^()\\]|\\.|\((?:[^()\\]|\\.){0,500}+\)){0,500}+\))"
    r"|(?P<word>=\?[^?\s]{1,60}\?[bBqQ]\?[^?]*+\?=)"
    r'|(?P<angle><(?:[^<>"\\]|"(?:[^"\\]|\\.){0,500}+"){0,500}+>)'
    r"|(?P<mark>[,;:])|(?P<text>[^\s\"(<,;:=]++|\s+|.)",
    re.DOTALL,
)
_ADDRESS = re.compile(r"(?:mailto:)?([^\s<>@,;\"()\[\]]{1,200}@(?:\[[^\s\]]{1,60}\]|[^\s<>,;\"()\[\]]{1,255}))")
_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*+\)")
_QUOTED_ADDRESS = re.compile(r'"(?:[^"\\]|\\.){1,200}+"@[^\s<>@,;"()]{1,255}')
_ROUTE = re.compile(r"@[^:<>]+:")  # RFC 5322 §4.4: a source route says nothing about the mailbox
_BLANKS_AROUND_AT = re.compile(r"(?<!\s)\s{0,9}@\s{0,9}")
_ESCAPED = re.compile(r"\\(.)")
_MAX_VALUE = 32 * 1024  # characters of a broken field that are looked at
_MAX_MAILBOXES = 1000
_EDGES = " \t'\"`"


@dataclass(slots=True)
class _Item:
    """What stands between two commas: words of a name, comments, addresses in angle brackets, and the mark behind."""

    words: list[str]
    comments: list[str]
    angles: list[str]
    mark: str = ""
    is_in_group: bool = False

    def is_name_only(self) -> bool:
        """Does it go with what follows: «Doe, John <j@d.example>»?"""
        is_end = self.is_in_group and self.mark == ";"
        return not self.angles and not is_end and "@" not in fields.decode_words("".join(self.words))


def read_list(value: str) -> tuple[Mailbox, ...]:
    """The mailboxes of an unfolded, still encoded field value, as well as they can be made out."""
    found: list[Mailbox] = []
    waiting: list[str] = []
    for item in _items(value[:_MAX_VALUE]):
        if item.is_name_only():
            waiting.append(f"{_name_of(item)}{item.mark} ")
            continue
        if item.angles and any(item.words):
            item.words = [*waiting, *item.words]
        waiting = []
        found += _mailboxes(item)
    return tuple(found[:_MAX_MAILBOXES])


def read_name(value: str) -> Mailbox | None:
    """What a field without any @ says of a person: a local name (`MAILER-DAEMON (Mail System)`), else only words."""
    items = [one for one in _items(value[:_MAX_VALUE]) if any(one.words) or one.comments or one.angles]
    if not items:
        return None
    item = items[0]
    inside = _decoded(next((angle.strip("<> ") for angle in item.angles), ""))
    words = _decoded("".join(item.words)).strip(_EDGES)
    if item.angles or not words:
        return Mailbox(_name_of(item), inside) if inside or _name_of(item) else None
    if " " in words or not words.isascii():
        return Mailbox(_name_of(item), "")
    return Mailbox(_decoded(" ".join(item.comments)), words)


def _items(value: str) -> list[_Item]:
    """The value cut at its commas and semicolons; a group's name before the colon is left out (RFC 5322 §3.4)."""
    items = [_Item([], [], [])]
    last_semicolon = value.rfind(";")
    for match in _TOKEN.finditer(value):
        kind, text, item = match.lastgroup, match[0], items[-1]
        if kind == "mark" and text != ":":
            item.mark = text
            items.append(_Item([], [], [], is_in_group=item.is_in_group and text == ","))
        elif kind == "mark" and not item.angles and match.end() <= last_semicolon:  # without a semicolon it is a name
            items[-1] = _Item([], [], [], is_in_group=True)
        elif kind == "comment" and not item.angles:
            item.comments.append(_ESCAPED.sub(r"\1", text[1:-1]))
        elif kind == "angle":
            item.angles.append(text)
        elif kind != "comment" and (not item.angles or not "".join(item.words).strip()):
            item.words.append(text)
    return items


def _mailboxes(item: _Item) -> list[Mailbox]:
    """The mailboxes of one item: those in angle brackets, else whatever in it looks like one."""
    inside = [address for angle in item.angles if (address := _address_in(angle[1:-1]))]
    if inside:
        return [_mailbox(_name_of(item), inside[0]), *(Mailbox("", one) for one in inside[1:])]
    text = fields.decode_words("".join(item.words))
    match = _QUOTED_ADDRESS.search(text) or _last(text)
    if match is None:  # RFC 5322 §4.4 let blanks stand around the @
        text = _BLANKS_AROUND_AT.sub("@", text)
        match = _last(text)
    if match is None:
        return []
    before, after = text[: match.start()].strip(_EDGES + "<[\\"), text[match.end() :].strip(_EDGES + "<>]\\")
    name = " ".join(f"{before} {after}".split()) or _decoded(" ".join(item.comments))
    return [_mailbox(name, _trimmed(match[0].removeprefix("mailto:")))]


def _last(text: str) -> re.Match[str] | None:
    """The last address in a text: where one stands in the name too, it stands first."""
    found = deque(_ADDRESS.finditer(text), maxlen=1)
    return found[0] if found else None


def _address_in(inside: str) -> str:
    """The address between angle brackets, "" for none (`<>`, `<root>`)."""
    text = _ROUTE.sub("", fields.decode_words(inside).strip().removeprefix("mailto:"), count=1)
    text = _COMMENT.sub("", text) if not text.startswith('"') else text
    local, at, domain = text.strip(" '`").rpartition("@")
    kept = local.strip() if local.strip().startswith('"') else "".join(local.split())
    return f"{kept}@{''.join(domain.split())}" if at else ""


def _trimmed(address: str) -> str:
    """Without the apostrophes that some clients put around addresses."""
    return address.rstrip("'`") if address.startswith('"') else address.strip("'`")


def _name_of(item: _Item) -> str:
    """The display name: words and quoted strings, then the comments in brackets, as mail programs show it."""
    name = _decoded("".join(_unquoted(word) for word in item.words)).strip(_EDGES + ",;").rstrip("<\\ ")
    comments = _decoded(" ".join(item.comments))
    return f"{name} ({comments})" if name and comments else name or comments


def _unquoted(word: str) -> str:
    is_quoted = len(word) > 1 and word[0] == word[-1] == '"'
    return _ESCAPED.sub(r"\1", word[1:-1]) if is_quoted else word


def _decoded(text: str) -> str:
    return " ".join(fields.decode_words(text).split())


def _mailbox(name: str, address: str) -> Mailbox:
    """A name that only repeats the address is none."""
    return Mailbox("" if name.lower() == address.lower() else name, address)
