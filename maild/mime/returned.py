"""The mail that a bounce returns: where its copy begins in the text, and what its header section says."""

import re
from dataclasses import dataclass

from maild.mime import charset, fields
from maild.mime.alternatives import any_of
from maild.mime.parts import Leaf, header_of

TYPES = frozenset(
    {
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "text/rfc822-header",
        "text/rfc822",
        "message/rfc822-headers",
        "message/rfc822-header",
        "message/global-headers",
        "message/partial",
    }
)
_MARK = any_of(
    r"""
    ^[ \t>*]{0,8}[-=_*+~]{2,80}[^\n]{0,40}?(?:below this line|(?:original|unsent|returned|undelivered|rejected\
        |forwarded) (?:message|mail|headers?)|copy of|message (?:text|header|follows|body)|mail (?:header|follows)\
        |headers? (?:of|follow)|исходн\w+|копия|текст (?:письма|сообщения)|заголов\w+|begin(?:ning)? of)
    ^[ \t>*]{0,8}(?:the )?(?:original|unsent|returned|undelivered|rejected|your|offending)\
        \x20(?:e?-?mail ?|message ?){1,2}\
        (?:text |header |body )?(?:follows|is (?:attached|enclosed|included|below)|headers?(?: follows?)?:\
        |included below)
    ^[ \t>*]{0,8}(?:headers? of the (?:original|returned) message|original message headers?|message headers?\
        (?: follow)?|received headers|here is your returned mail)[^\n]{0,40}:
    ^[ \t>*]{0,8}(?:исходное сообщение|заголовки исходного сообщения\
        |копия (?:вашего )?(?:письма|сообщения))[^\n]{0,40}:
    """
)
_SURE_FIELD = re.compile(
    r"^[ \t>|]{0,8}(?:received|return-path|message-id|mime-version|dkim-signature|delivered-to|x-mailer|content-type"
    r"|x-originating-ip):[ \t]*\S",
    re.IGNORECASE | re.MULTILINE,
)
_ANY_FIELD = re.compile(r"^[ \t>|]{0,8}[a-z][a-z0-9-]{1,40}:[ \t]", re.IGNORECASE | re.MULTILINE)
_LOOKED_AT = 256 * 1024  # characters: reports are small
_NEIGHBOURHOOD = 600  # characters around a field that must hold more of them
_LEAST_FIELDS = 3
_FIELD = r"^[ \t>|]{0,8}%s:[ \t]*(?:\n[ \t>|]+)?"
_ID_LINE = re.compile(
    (_FIELD % r"(?:x-)?(?:original-)?message-id") + r"<?([^<>\s]{1,900}@[^<>\s]{1,95})>?", re.IGNORECASE | re.MULTILINE
)
_ID_FOLLOWING = re.compile(r"\b(?:message-?id|идентификатор сообщения)[ :=]{1,4}<([^<>\s]{1,995})>", re.IGNORECASE)
_TO_LINE = re.compile((_FIELD % "to") + r"([^\n]{1,500})", re.IGNORECASE | re.MULTILINE)
_FROM_LINE = re.compile((_FIELD % "(?:from|return-path|sender)") + r"([^\n]{1,500})", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back: `words` is the text above the copy, `header` the copy's header section as text, "" if none."""

    words: str
    header: str

    @property
    def message_id(self) -> str:
        """The Message-ID of the returned mail without brackets, "" if it is not known."""
        match = _ID_LINE.search(self.header) or _ID_LINE.search(self.words) or _ID_FOLLOWING.search(self.words)
        return match[1] if match else ""

    @property
    def to(self) -> str:
        """The To field of the returned mail."""
        match = _TO_LINE.search(self.header)
        return match[1] if match else ""

    @property
    def senders(self) -> str:
        """From, Sender and Return-Path of the returned mail, together."""
        return " ".join(_FROM_LINE.findall(self.header))


def returned_in(leaves: list[Leaf], text: str) -> Returned:
    """What a bounce returns: as a part of its own, else as a copy below the words."""
    begin = copy_begin(text[:_LOOKED_AT])
    for leaf in leaves:
        if leaf.type in TYPES:
            section = header_of(leaf.content().lstrip(b"\r\n"))
            if b":" in section:
                found, _ = fields.split_section(section)
                lines = [f"{name}: {charset.decode(value).text.strip()}" for name, value in found]
                return Returned(text[:begin], "\n".join(lines))
    return Returned(text[:begin], text[begin : begin + _LOOKED_AT])


def copy_begin(text: str) -> int:
    """Where the copy of the returned mail begins in the text; its length if there is none."""
    places = [len(text)]
    mark = _MARK.search(text)
    if mark:
        places.append(mark.start())
    for match in _SURE_FIELD.finditer(text, 0, places[-1]):
        around = text[max(0, match.start() - _NEIGHBOURHOOD) : match.end() + _NEIGHBOURHOOD]
        if len(_ANY_FIELD.findall(around)) >= _LEAST_FIELDS:
            places.append(_first_field_of_block(text, match.start()))
            break
    return min(places)


def _first_field_of_block(text: str, place: int) -> int:
    """The fields right above belong to the copy too."""
    while place > 0:
        above = text.rfind("\n", 0, place - 1) + 1
        if above >= place or not _ANY_FIELD.match(text, above):
            break
        place = above
    return place
