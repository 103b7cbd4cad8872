"""Which domains belong together: the organisational domain of a name (RFC 7489 §3.2), by the Public Suffix List.

The list comes with its package, as a table; nothing is fetched.
"""

from functools import cache

from publicsuffixlist import PublicSuffixList

from maild.core.address import ascii_domain


@cache
def _suffixes() -> PublicSuffixList:
    """Read when it is first asked for: most mails never need it."""
    return PublicSuffixList()


def organisational_domain(domain: str) -> str:
    """`news.shop.co.uk` → `shop.co.uk`. A public suffix stands for itself: nobody who owns a name below it owns it."""
    domain = ascii_domain(domain)
    return str(_suffixes().privatesuffix(domain) or domain)


def is_aligned(domain: str, author_domain: str, *, is_strict: bool = False) -> bool:
    """Does what was authenticated for `domain` speak for an author of `author_domain` (RFC 7489 §3.1)?"""
    domain, author_domain = ascii_domain(domain), ascii_domain(author_domain)
    if not domain or not author_domain:
        return False
    if is_strict:
        return domain == author_domain
    return organisational_domain(domain) == organisational_domain(author_domain)
