"""Checks SPF, DKIM and DMARC of a mail before it is taken (`trust.verify`), for a desk that is its own MX.

The result is written down as a border host would (RFC 8601). It takes seconds at most: what cannot be found out in that
time is a temporary error, which verifies nobody and fails nobody.
"""

import asyncio
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec

from maild.core.address import domain_of
from maild.core.dmarc import Checked, Record, dmarc_result, read_record
from maild.core.domains import organisational_domain
from maild.core.mail import Envelope
from maild.mailin.lookup import Lookup, LookupFor, system_resolver
from maild.mailin.spf_check import check_spf
from maild.mime.author import sole_author
from maild.mime.signatures import check_signatures

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds for all questions about one mail
_AT_ONCE = 32  # mails; they mostly wait for answers
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9])?")  # what may stand in our field as it is
_UNKNOWN = "maild; dmarc=temperror"


def is_available() -> bool:
    """Is the extra installed?"""
    return all(find_spec(name) is not None for name in ("dkim", "dns", "spf"))


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is checked. `client` is the address of who brought the mail, "" where a relay of ours did and hides it."""

    raw: bytes
    envelope: Envelope
    client: str
    helo: str


class Verifier:
    """Checks mails, some at a time. `patience` is in seconds."""

    def __init__(self, lookup: LookupFor | None = None, patience: float = PATIENCE) -> None:
        resolver = system_resolver() if lookup is None else None
        self._lookup = lookup or (lambda: Lookup(resolver, patience))  # type: ignore[arg-type]
        self._patience = patience
        self._threads = ThreadPoolExecutor(_AT_ONCE, "verify")

    async def results(self, arrival: Arrival) -> str:
        """The value of an Authentication-Results field; "" for a mail that needs none. Never raises."""
        if arrival.envelope.user:
            return ""
        asked = asyncio.get_running_loop().run_in_executor(self._threads, self._check, arrival)
        try:
            async with asyncio.timeout(self._patience):
                return await asked
        except TimeoutError:
            log.warning("a sender could not be checked within %g s", self._patience)
            return _UNKNOWN

    def _check(self, arrival: Arrival) -> str:
        try:
            return check(arrival, self._lookup())
        except Exception:  # a mistake of ours or of a library must not keep the mail out
            log.exception("a sender could not be checked")
            return _UNKNOWN

    def close(self) -> None:
        """Start no more checks."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def check(arrival: Arrival, lookup: Lookup) -> str:
    """All three checks, as the value of a field."""
    spf = check_spf(arrival.client, arrival.envelope.mail_from, arrival.helo, lookup)
    signatures = check_signatures(arrival.raw, lambda name: next(iter(lookup.texts(name)), None))
    spf_property = "smtp.mailfrom" if arrival.envelope.mail_from else "smtp.helo"
    found = [_said("spf", spf.result, spf_property, spf.domain)]
    found += [_said("dkim", one.result, "header.d", one.domain) for one in signatures]
    author_domain = domain_of(sole_author(arrival.raw))
    if author_domain:
        found.append(_dmarc(author_domain, spf, signatures, lookup, is_client_known=bool(arrival.client)))
    return "; ".join(["maild", *filter(None, found)])


def _dmarc(author: str, spf: Checked, signatures: list[Checked], lookup: Lookup, *, is_client_known: bool) -> str:
    try:
        record, policy = _published(author, lookup)
    except TimeoutError:
        return _said("dmarc", "temperror", "header.from", author)
    if record is None:
        return ""  # nobody asked for DMARC: then alignment alone counts, as where a border host knows only DKIM
    result = dmarc_result(record, author, spf, signatures)
    if result == "fail" and not is_client_known:
        result = "temperror"  # SPF might have passed
    return _said("dmarc", result, "header.from", author, f"(p={policy})")


def _published(author: str, lookup: Lookup) -> tuple[Record | None, str]:
    """What the author's domain asks for, else its organisation for those below it (RFC 7489 §6.6.3)."""
    record = _record_of(author, lookup)
    if record is not None:
        return record, record.policy
    organisation = organisational_domain(author)
    record = _record_of(organisation, lookup) if organisation != author else None
    return record, record.subdomain_policy if record else ""


def _record_of(domain: str, lookup: Lookup) -> Record | None:
    return read_record(text.decode("ascii", "replace") for text in lookup.texts(f"_dmarc.{domain}"))


def _said(method: str, result: str, name: str, value: str, comment: str = "") -> str:
    """One result; a name that is none is left out, for it could be read as something else."""
    words = [f"{method}={result}", comment, f"{name}={value}" if _NAME.fullmatch(value) else ""]
    return " ".join(filter(None, words))
