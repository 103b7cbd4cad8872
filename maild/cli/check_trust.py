"""`maild check` on trust: whose word about senders counts, what recent mail carries, and who of support is believed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from maild.cli.finding import Finding
from maild.config import Config
from maild.core.address import normalise
from maild.core.mail import Envelope, Mail
from maild.core.trust import Trust, is_trusted_id, trust_in
from maild.desk.desk import Desk
from maild.mime.parse import parse
from maild.mime.plain import plural
from maild.store import ledger


@dataclass(frozen=True, slots=True)
class Recent:
    """The header section of a mail and how it came."""

    id: int
    mail: Mail
    envelope: Envelope

    @property
    def author(self) -> str:
        """Who wrote it, "" if nobody knows."""
        return normalise(self.mail.author.address) if self.mail.author else ""


def trust_findings(config: Config, desk: Desk | None, recent: list[tuple[int, Envelope]]) -> Iterator[Finding]:
    """What is right and wrong, by the rules as they are configured now. `recent` mails come newest first."""
    seen = [Recent(number, _head(desk, number), envelope) for number, envelope in recent if desk]
    yield _ids(config, seen)
    yield from _support(config, seen)


def _head(desk: Desk, mail: int) -> Mail:
    head = desk.store.read_now(ledger.head, mail).replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return parse(head + b"\n\n")


def _ids(config: Config, seen: list[Recent]) -> Finding:
    """The ids of Authentication-Results fields (RFC 8601 §2.2), whoever wrote them."""
    counted = Counter(found for one in seen for found in _authserv_ids(one.mail))
    ids = ", ".join(f"{name or '(none)'} ({count})" for name, count in counted.most_common(10))
    mails = f"the last {len(seen)} {plural(len(seen), 'mail', 'mails', language='en')}"
    hint = f"; among {mails}: {ids or 'none'}" if seen else ""
    policy = config.policy()
    rules = policy.trust
    if rules.is_open and not policy.trusts_nobody:
        named = ", ".join(mailbox.name for mailbox in policy.mailboxes if not mailbox.trust.is_open)
        words = f"senders are verified in mailbox {named}, and at no other door: their mail is unverified"
        return Finding("ok", "trust", f"{words}{hint}")
    if rules.is_open:
        words = "SENDERS ARE NOT VERIFIED: anybody can write as anybody. Let your MTA check DKIM, SPF and DMARC"
        advice = "and name it in trust.authserv_id; without an MTA in front, set trust.verify = true"
        return Finding("warning", "trust", f"{words} {advice}{hint}")
    wanted = ", ".join([*config.trust.authserv_id, *(["maild itself (trust.verify)"] if config.trust.verify else [])])
    if seen and not (config.trust.verify or any(is_trusted_id(found, rules) for found in counted)):
        return Finding("warning", "trust", f"senders would be verified by {wanted}{hint}: is trust.authserv_id right?")
    return Finding("ok", "trust", f"senders are verified by {wanted}{hint}")


def _authserv_ids(mail: Mail) -> set[str]:
    fields = mail.fields("Authentication-Results")
    return {words[0].lower() if (words := value.partition(";")[0].split()) else "" for value in fields}


def _support(config: Config, seen: list[Recent]) -> Iterator[Finding]:
    """Each agent and team mailbox: would its newest mail be believed?"""
    newest = {one.author: one for one in reversed(seen)}
    support = _support_addresses(config)
    if seen and not newest.keys() >= set(support):
        unseen = ", ".join(address for address in support if address not in newest)
        yield Finding("ok", "agent", f"{unseen}: no mail lately, so not known")
    for address in (each for each in support if each in newest):
        mail = newest[address]
        verdict = trust_in(mail.mail, mail.envelope, config.policy())
        if verdict is Trust.VERIFIED:
            yield Finding("ok", "agent", f"{address}: verified, as mail {mail.id} shows")
        else:
            words = f"{address}: mail {mail.id} is {verdict}, and such mail is held: look at `maild mail raw {mail.id}`"
            yield Finding("warning", "agent", words)


def _support_addresses(config: Config) -> list[str]:
    agents = [agent.address for agent in config.agent]
    teams = [address for category in config.category for address in category.team]
    return list(dict.fromkeys(map(normalise, [*agents, *teams])))
