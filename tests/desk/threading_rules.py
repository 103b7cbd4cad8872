"""How mail programs make threads: JWZ (Thunderbird, mutt, IMAP THREAD), Gmail, Outlook without a Thread-Index.

Written from the published rules: jwz.org/doc/threading.html, RFC 5256, Gmail's API guide ("Threads"), MS-OXOMSG.
"""

import re
from collections.abc import Iterable, Sequence
from email.message import EmailMessage
from itertools import pairwise

Threads = frozenset[frozenset[str]]
"""Message-IDs by thread."""

_RE = re.compile(r"(?:(?:re|fwd?|aw|wg|sv|ответ|на|отв)(?:\[\d+\])?:\s*)+", re.I)


def ids(message: EmailMessage, name: str) -> list[str]:
    return re.findall(r"<([^<>]+)>", str(message[name] or ""))


def own_id(message: EmailMessage) -> str:
    return ids(message, "Message-ID")[0]


def base_subject(message: EmailMessage) -> str:
    """Without prefixes; the number stays."""
    return _RE.sub("", " ".join(str(message["Subject"] or "").split()), count=1).casefold()


class _Groups:
    """Names that have been joined with one another."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def top(self, name: str) -> str:
        while (above := self._parent.setdefault(name, name)) != name:
            name = above
        return name

    def join(self, one: str, other: str) -> None:
        self._parent[self.top(one)] = self.top(other)

    def threads(self, messages: Iterable[EmailMessage]) -> Threads:
        found: dict[str, set[str]] = {}
        for message in messages:
            found.setdefault(self.top(own_id(message)), set()).add(own_id(message))
        return frozenset(map(frozenset, found.values()))


def jwz(messages: Sequence[EmailMessage]) -> Threads:
    """Steps 1 to 4: the tree by References, of which In-Reply-To is the end; a mail that is not there still joins.

    Every container has one parent, the first it was given, and none becomes its own ancestor.
    """
    parent: dict[str, str] = {}

    def above(one: str) -> Iterable[str]:
        while one in parent:
            one = parent[one]
            yield one

    for message in messages:
        chain = ids(message, "References")
        chain += [one for one in ids(message, "In-Reply-To")[:1] if one not in chain]
        for older, newer in pairwise(chain):
            if newer not in parent and newer != older and newer not in above(older):
                parent[newer] = older
        own = own_id(message)
        parent.pop(own, None)
        if chain and chain[-1] != own and own not in above(chain[-1]):
            parent[own] = chain[-1]
    groups = _Groups()
    for one, older in parent.items():
        groups.join(one, older)
    return groups.threads(messages)


def gmail(messages: Sequence[EmailMessage]) -> Threads:
    """Same subject but for prefixes, and a reference in common with, or to, a mail of the thread."""
    groups = _Groups()
    for message in messages:
        subject = base_subject(message)
        for one in (own_id(message), *ids(message, "References"), *ids(message, "In-Reply-To")):
            groups.join(f"{subject} {own_id(message)}", f"{subject} {one}")
    found: dict[str, set[str]] = {}
    for message in messages:
        found.setdefault(groups.top(f"{base_subject(message)} {own_id(message)}"), set()).add(own_id(message))
    return frozenset(map(frozenset, found.values()))


def outlook(messages: Sequence[EmailMessage]) -> Threads:
    """The conversation topic, where no program has written a Thread-Index: the subject without its prefixes."""
    groups = _Groups()
    for message in messages:
        assert message["Thread-Index"] is None
        groups.join(own_id(message), f"topic {base_subject(message)}")
    return groups.threads(messages)
