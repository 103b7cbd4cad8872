"""Is the author who he says he is: verified, unverified or failed (SPEC section 5).

Reads Authentication-Results (RFC 8601) of our own border host only. One function for every path: `trust_in`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from itertools import pairwise

import authres

from maild.core.address import ascii_domain, domain_of, normalise
from maild.core.mail import Envelope, Mail
from maild.core.policy import Network, TrustRules


class Trust(StrEnum):
    """The verdict on an author."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """One result of a trusted field: `properties` by "type.name", as in `header.from` (RFC 8601 §2.2)."""

    method: str
    result: str
    properties: Mapping[str, str]


# Several dmarc results: the worst counts. Whatever is not in this list is an error of the checker's.
_WORST_FIRST = ("fail", "permerror", "none", "pass")


def trust_in(mail: Mail, envelope: Envelope, rules: TrustRules) -> Trust:
    """The verdict on the one author of a mail. A mail without exactly one author is never verified."""
    if mail.author is None or not mail.is_author_sole:
        return Trust.UNVERIFIED
    author = normalise(mail.author.address)
    if envelope.user and normalise(envelope.user) == author:
        return Trust.VERIFIED
    if domain_of(author) in rules.domains and is_in(envelope.peer, rules.internal_peers):
        return Trust.VERIFIED
    if not envelope.is_trusted_peer:
        return Trust.UNVERIFIED
    return _verdict(trusted_results(mail.headers, rules), author)


def is_in(peer: str, networks: Iterable[Network]) -> bool:
    """Does that client address lie in one of the networks? A unix socket ("") never does."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address.version == network.version and address in network for network in networks)


Headers = Sequence[tuple[str, str]]


def trusted_results(headers: Headers, rules: TrustRules) -> list[Result]:
    """The results in the fields that our border host wrote, top first.

    A field counts only above the Received field of that host, or above all of them if the host wrote none: everything
    below came with the mail and may be forged (RFC 8601 §5, §7.1). `position = "below"`: all fields of the id count.
    """
    found: list[Result] = []
    for name, value in headers if rules.position == "below" else _above_border(headers, rules):
        if name.lower() != "authentication-results":
            continue
        authserv_id, results = _read(value, is_id_optional="" in rules.authserv_ids)
        if any(is_host(authserv_id, wanted) for wanted in rules.authserv_ids):
            found += results
    return found


def _above_border(headers: Headers, rules: TrustRules) -> Headers:
    received = [index for index, (name, _) in enumerate(headers) if name.lower() == "received"]
    hosts = rules.received_by or rules.authserv_ids
    ours = [index for index in received if any(is_host(by_host(headers[index][1]), host) for host in hosts)]
    return headers[: (ours or received or [len(headers)])[0]]


def by_host(received: str) -> str:
    """The host in the `by` clause of a Received field (RFC 5321 §4.4), or ""."""
    words = _without_comments(received).partition(";")[0].split()
    return next((host for word, host in pairwise(words) if word.lower() == "by"), "")


def _without_comments(value: str) -> str:
    kept: list[str] = []
    depth = 0
    for character in value:
        if character == "(":
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(character)
    return "".join(kept)


def is_host(host: str, wanted: str) -> bool:
    """Is that the host meant: the same name, or below it for `*.suffix`? "" means the empty name only."""
    host, wanted = ascii_domain(host), ascii_domain(wanted)
    if wanted.startswith("*."):
        return host.endswith(wanted[1:])
    return host == wanted


def _read(value: str, *, is_id_optional: bool) -> tuple[str, list[Result]]:
    """authserv-id and results of one field; a field that breaks the grammar says nothing (id NUL matches no host)."""
    attempts = [value]
    if is_id_optional:  # Microsoft 365 writes the field without an authserv-id
        attempts.append("; " + value)
    for attempt in attempts:
        try:
            parsed = authres.AuthenticationResultsHeader.parse_value("none" + attempt if attempt[0] == ";" else attempt)
        except (authres.AuthResError, ValueError, IndexError):
            continue
        authserv_id = "" if attempt[0] == ";" else str(parsed.authserv_id or "")
        return authserv_id, [_result(entry) for entry in parsed.results]
    return "\0", []


def _result(entry: authres.AuthenticationResult) -> Result:
    properties = {f"{item.type}.{item.name}".lower(): str(item.value) for item in entry.properties}
    return Result(str(entry.method).lower(), str(entry.result).lower(), properties)


def _verdict(results: Sequence[Result], author: str) -> Trust:
    dmarc = [result for result in results if result.method == "dmarc"]
    if dmarc:
        return _dmarc_verdict([result for result in dmarc if _is_from(result, author)])
    passed = [result for result in results if result.result == "pass"]
    if any(_speaks_for(result, author) for result in passed):
        return Trust.VERIFIED
    return Trust.UNVERIFIED


def _dmarc_verdict(results: Sequence[Result]) -> Trust:
    found = {result.result if result.result in _WORST_FIRST else "permerror" for result in results}
    worst = next((verdict for verdict in _WORST_FIRST if verdict in found), "none")
    return {"fail": Trust.FAILED, "pass": Trust.VERIFIED}.get(worst, Trust.UNVERIFIED)


def _is_from(result: Result, author: str) -> bool:
    """DMARC's header.from is the domain, with some writers the whole address (RFC 7489 §7, RFC 8601 §2.7.1)."""
    value = result.properties.get("header.from", "")
    if "@" in value:
        return normalise(value) == author
    return ascii_domain(value) == domain_of(author)


def _speaks_for(passed: Result, author: str) -> bool:
    """A pass that vouches for the From address without DMARC: submission as that address, or an aligned signer.

    Aligned means the same domain (strict, RFC 7489 §3.1): no one has looked up that a relaxed one is meant.
    """
    properties = passed.properties
    match passed.method:
        case "auth":
            return normalise(properties.get("smtp.auth", "")) == author
        case "dkim":
            signer = properties.get("header.d") or properties.get("header.i", "").rpartition("@")[2]
        case "spf":
            signer = properties.get("smtp.mailfrom", "").rpartition("@")[2]
        case _:
            return False
    return bool(signer) and ascii_domain(signer) == domain_of(author)
