"""DMARC (RFC 7489): what a domain asks for, and what follows from the SPF and DKIM results of a mail."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from maild.core.domains import is_aligned

_VERSION = re.compile(r"v\s*=\s*DMARC1\s*(?:;|$)")  # the first tag, in these letters (RFC 7489 §6.3)
_POLICIES = frozenset({"none", "quarantine", "reject"})


@dataclass(frozen=True, slots=True)
class Record:
    """What a domain publishes: its policies (`none`, `quarantine`, `reject`), and which alignment it wants."""

    policy: str
    subdomain_policy: str
    is_dkim_strict: bool
    is_spf_strict: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of one check (RFC 8601 §2.7) and the domain it is about, "" if there is none."""

    result: str
    domain: str


def read_record(texts: Iterable[str]) -> Record | None:
    """The one DMARC record among the TXT records of a name; None for none or several (RFC 7489 §6.6.3)."""
    found = [text for text in texts if _VERSION.match(text)]
    if len(found) != 1:
        return None
    tags = dict(_tag(part) for part in found[0].split(";") if "=" in part)
    policy = tags.get("p", "")
    if policy not in _POLICIES:
        if "rua" not in tags:
            return None
        policy = "none"  # an address for reports shows that somebody meant it
    below = tags.get("sp", policy)
    return Record(
        policy=policy,
        subdomain_policy=below if below in _POLICIES else policy,
        is_dkim_strict=tags.get("adkim") == "s",
        is_spf_strict=tags.get("aspf") == "s",
    )


def _tag(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip().lower(), value.strip().lower()


def dmarc_result(record: Record, author_domain: str, spf: Checked, signatures: Iterable[Checked]) -> str:
    """pass, fail, or temperror where what could not be asked might have been a pass (RFC 7489 §6.6.2)."""
    results = {
        one.result for one in signatures if is_aligned(one.domain, author_domain, is_strict=record.is_dkim_strict)
    }
    if is_aligned(spf.domain, author_domain, is_strict=record.is_spf_strict):
        results.add(spf.result)
    return next((verdict for verdict in ("pass", "temperror") if verdict in results), "fail")
