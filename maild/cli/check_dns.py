"""`maild check` on the DNS: a desk that checks SPF, DKIM and DMARC itself is deaf without it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from maild.cli.finding import Finding
from maild.config import Config
from maild.core.address import domain_of, normalise

if TYPE_CHECKING:
    from maild.mailin.lookup import Lookup

_PATIENCE = 5.0  # seconds for all answers


def dns_findings(config: Config, lookup: "Lookup | None" = None) -> Iterator[Finding]:
    """Do the name servers answer, those of this machine if no other `lookup` is given? Asked only where `trust.verify`
    needs them."""
    if not config.trust.verify:
        return
    domains = dict.fromkeys(domain_of(normalise(category.address)) for category in config.category)
    try:
        lookup = lookup or _of_this_machine()
        found = [f"{domain} ({len(lookup.records(domain, 'MX'))} MX)" for domain in domains]
    except (TimeoutError, OSError) as error:
        words = f"{error}: until it answers, trust.verify can verify nobody. Look at /etc/resolv.conf"
        yield Finding("error", "dns", words)
    else:
        yield Finding("ok", "dns", f"answers: {', '.join(found)}")


def _of_this_machine() -> "Lookup":
    from maild.mailin.lookup import Lookup, system_resolver

    return Lookup(system_resolver(), _PATIENCE)
