"""Is the author who he says he is: verified, unverified or failed (SPEC section 5).

Counts Authentication-Results (RFC 8601) of our own border host only. One function for every path: `trust_in`.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from ipaddress import ip_address
from itertools import pairwise

from maild.core.address import ascii_domain, domain_of, normalise
from maild.core.authresults import Result, read_results
from maild.core.domains import is_aligned
from maild.core.mail import Envelope, Mail
from maild.core.policy import Network, Policy, TrustRules


class Trust(StrEnum):
    """The verdict on an author."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    FAILED = "failed"


# Several dmarc results: the worst counts. Whatever is not in this list is an error of the checker's.
_WORST_FIRST = ("fail", "permerror", "none", "pass")
_WORDS = re.compile(r"[^\s();]+")


def trust_in(mail: Mail, envelope: Envelope, policy: Policy) -> Trust:
    """The verdict on the one author of a mail. A mail without exactly one author is never verified."""
    if envelope.sent_in:
        return Trust.VERIFIED  # whoever can put it there has the mailbox
    if mail.author is None or not mail.is_author_sole:
        return Trust.UNVERIFIED
    author, rules = normalise(mail.author.address), policy.for_mailbox(envelope.mailbox).trust
    if envelope.user and normalise(envelope.user) == author:
        return Trust.VERIFIED
    results = read_results(envelope.results)[1]  # what we have checked ourselves counts like a trusted field
    if envelope.is_trusted_peer:
        results += trusted_results(mail.headers, rules)
    is_ours = policy.is_support(author) or policy.is_desk_address(author)
    found = _verdict(results, author, is_ours=is_ours)
    is_internal = not envelope.mailbox and is_in(envelope.peer, rules.internal_peers)
    # A failure stands: a network of ours may hold the border host too, which hands on the mail of strangers.
    return Trust.VERIFIED if is_internal and domain_of(author) in rules.domains and found is not Trust.FAILED else found


def is_marked_spam(mail: Mail, envelope: Envelope, rules: TrustRules) -> bool:
    """Has our own hop's filter written `trust.spam_field`? One that came with the mail means nothing."""
    name, _, wanted = rules.spam_field.partition(":")
    if not (wanted and envelope.is_trusted_peer):
        return False
    says = re.compile(rf"{re.escape(wanted.strip())}(?![\w-])", re.IGNORECASE)
    fields = border_fields(mail.headers, rules)
    return any(field.lower() == name.lower() and says.match(value.strip()) for field, value in fields)


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
    below came with the mail and may be forged (RFC 8601 §5, §7.1). `position = "below"`: those between that Received
    field and the one of the host in front count as well; the provider has taken forged ones out.
    """
    found: list[Result] = []
    for name, value in border_fields(headers, rules):
        if found and name.lower() == "received" and rules.position == "below":
            break  # where the admin has not said what the border is called, it ends here at the latest
        if name.lower() != "authentication-results":
            continue
        authserv_id, results = read_results(value)
        if is_trusted_id(authserv_id, rules):
            found += results
    return found


def is_trusted_id(authserv_id: str, rules: TrustRules) -> bool:
    """Is that the id of a host whose word counts?"""
    return any(_is_host(authserv_id, wanted) for wanted in rules.authserv_ids)


def border_fields(headers: Headers, rules: TrustRules) -> Headers:
    """The fields that our border host, or a host behind it, can have written."""
    received = [index for index, (name, _) in enumerate(headers) if name.lower() == "received"]
    hosts = [host for host in rules.received_by or rules.authserv_ids if host]
    ours = [index for index in received if is_written_by(headers[index][1], hosts)]
    if rules.position == "below":
        return headers[: _next_foreign(received, ours, len(headers))]
    return headers[: (ours or received or [len(headers)])[0]]


def _next_foreign(received: Sequence[int], ours: Sequence[int], end: int) -> int:
    """Where the first host in front of our border wrote its Received field: what stands there came with the mail."""
    return next((index for index in received if ours and index > ours[0] and index not in ours), end)


def is_written_by(received: str, hosts: Iterable[str]) -> bool:
    """Was a Received field written `by` one of these hosts (RFC 5321 §4.4)?

    The client's HELO name stands before the `by` clause and may hold "by" or a parenthesis, to hide the true clause and
    let a forged field further down be taken for the border. So every `by NAME` counts, wherever it stands: to see the
    border too high only distrusts a field more.
    """
    named = [host for word, host in pairwise(_WORDS.findall(received)) if word.lower() == "by"]
    return any(_is_host(name, wanted) for name in named for wanted in hosts)


def _is_host(host: str, wanted: str) -> bool:
    """Is that the host meant: the same name, or below it for `*.suffix`? "" means the empty name only."""
    host, wanted = ascii_domain(host), ascii_domain(wanted)
    if wanted.startswith("*."):
        return host.endswith(wanted[1:])
    return host == wanted


def _verdict(results: Sequence[Result], author: str, *, is_ours: bool) -> Trust:
    """`is_ours`: the author is support or the desk itself, whose failure counts even where the domain has no policy."""
    passed = [result for result in results if result.result == "pass"]
    if any(_is_submission(result, author) for result in passed):
        return Trust.VERIFIED
    dmarc = [result for result in results if result.method == "dmarc"]
    if dmarc:
        return _dmarc_verdict([result for result in dmarc if _is_from(result, author)], is_ours=is_ours)
    return Trust.VERIFIED if any(_is_aligned(result, author) for result in passed) else Trust.UNVERIFIED


def _dmarc_verdict(results: Sequence[Result], *, is_ours: bool) -> Trust:
    found = {result.result if result.result in _WORST_FIRST else "permerror" for result in results}
    worst = next((verdict for verdict in _WORST_FIRST if verdict in found), "none")
    if worst == "fail":
        failures = [result for result in results if result.result == "fail"]
        is_lenient = not is_ours and all(failure.has_no_policy for failure in failures)
        return Trust.UNVERIFIED if is_lenient else Trust.FAILED
    return Trust.VERIFIED if worst == "pass" else Trust.UNVERIFIED


def _is_from(result: Result, author: str) -> bool:
    """DMARC's header.from is the domain, with some writers the whole address (RFC 7489 §7, RFC 8601 §2.7.1).

    Only a pass has to name it: there is but one author that a failure can be about.
    """
    value = result.properties.get("header.from", "")
    if not value:
        return result.result != "pass"
    return normalise(value) == author if "@" in value else ascii_domain(value) == domain_of(author)


def _is_submission(passed: Result, author: str) -> bool:
    """Did the author log in at our border host as that very address (RFC 8601 §2.7.4)?"""
    return passed.method == "auth" and normalise(passed.properties.get("smtp.auth", "")) == author


def _is_aligned(passed: Result, author: str) -> bool:
    """A signer or envelope sender of the From domain or one of the same organisation, where no one asked for DMARC."""
    properties = passed.properties
    match passed.method:
        case "dkim":
            signer = properties.get("header.d") or properties.get("header.i", "").rpartition("@")[2]
        case "spf":
            # smtp.mail: as RFC 5451 had it in a draft, and Yandex still writes
            signer = (properties.get("smtp.mailfrom") or properties.get("smtp.mail", "")).rpartition("@")[2]
        case _:
            return False
    return is_aligned(signer, domain_of(author))
