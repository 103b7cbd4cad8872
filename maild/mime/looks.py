"""What the kind of a mail is judged by."""

from dataclasses import dataclass

from maild.mime.parts import Leaf


@dataclass(frozen=True, slots=True)
class Looks:
    """A mail's outside. `fields` maps lower-case names to the first value; `author` is an address, `own` are the
    addresses the mail was written to, in lower case; `reply` are the new words of `text`."""

    raw: bytes
    type: str
    report_type: str
    fields: dict[str, str]
    author: str
    own: frozenset[str]
    subject: str
    text: str
    reply: str
    leaves: list[Leaf]
