"""What is known of mail providers, and what a mailbox tells of another one: whose word about senders counts. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from maild.core.authresults import read_results

Headers = Sequence[tuple[str, str]]

_BY = re.compile(r"\bby\s+([\w.-]+)", re.IGNORECASE)
_ENOUGH = 3  # mails that have to agree


@dataclass(frozen=True, slots=True)
class Vouching:
    """The `[trust]` of a provider; see the table in docs/admin.md."""

    authserv_id: str
    received_by: str = ""
    position: str = "above"


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that is known: its relay, and whose word counts."""

    relay: str
    vouching: Vouching | None = None


_GOOGLE = Provider("smtps://smtp.gmail.com:465", Vouching("mx.google.com", position="below"))
_YANDEX = Vouching("*.mail.yandex.net", position="below")
_KNOWN = {
    "imap.gmail.com": _GOOGLE,
    "imap.yandex.ru": Provider("smtps://smtp.yandex.ru:465", _YANDEX),
    "imap.yandex.com": Provider("smtps://smtp.yandex.com:465", _YANDEX),
    "imap.mail.ru": Provider("smtps://smtp.mail.ru:465", Vouching("mxs.mail.ru", "*.mail.ru")),
    "imap.fastmail.com": Provider("smtps://smtp.fastmail.com:465", Vouching("*.messagingengine.com")),
    "outlook.office365.com": Provider("smtp://smtp.office365.com:587", Vouching("", "*.mail.protection.outlook.com")),
}


def provider_of(host: str) -> Provider:
    """The provider whose IMAP server that is; of an unknown one, where its relay most probably is."""
    name = host.lower()
    return _KNOWN.get(name) or Provider(f"smtps://smtp.{name.removeprefix('imap.').removeprefix('mail.')}:465")


def vouching_in(mails: Iterable[Headers]) -> Vouching | None:
    """Who writes Authentication-Results on top of the mails of a mailbox, if most of them agree.

    Below such a field stands the Received field of the host that wrote it (RFC 8601 §4.1). One that came with the mail
    has only the sender's own below it, which differ.
    """
    found = [told for headers in mails if (told := _told(headers)) is not None]
    if not found:
        return None
    (authserv_id, received_by), count = Counter(found).most_common(1)[0]
    if count < _ENOUGH or 2 * count < len(found):
        return None
    return Vouching(authserv_id, "" if received_by == authserv_id else received_by)


def ids_in(mails: Iterable[Headers]) -> Counter[str]:
    """How many mails carry which authserv-id, whoever wrote it."""
    return Counter(name for headers in mails for name in {read_results(value)[0] for value in _fields(headers)})


def _fields(headers: Headers) -> list[str]:
    return [value for name, value in headers if name.lower() == "authentication-results"]


def _told(headers: Headers) -> tuple[str, str] | None:
    """The id of the topmost such field, and by whom the Received field below it was written."""
    names = [name.lower() for name, _ in headers]
    if "authentication-results" not in names:
        return None
    place = names.index("authentication-results")
    authserv_id = read_results(headers[place][1])[0].lower()
    if "received" not in names[place:]:
        return None
    by = _BY.findall(headers[names.index("received", place)][1])
    return (authserv_id, by[-1].lower()) if by and authserv_id else None
