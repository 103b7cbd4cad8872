"""Machines that write mail, and how not to answer them (SPEC section 6, RFC 3834)."""

import re

from maild.core.address import domain_of, is_mailbox
from maild.core.facts import Provoked
from maild.core.mail import Envelope, Kind, Mail
from maild.core.policy import Budgets, Policy
from maild.core.trust import Trust

LOOP_FIELD = "X-Maild-Loop"
MAX_HOPS = 50  # more Received fields than that are a loop (RFC 5321 §6.3 asks for 100 at least; desks never see 20)

# Addresses behind which nobody reads: RFC 3834 §2 and the customs of list servers and shops.
_ROBOT = re.compile(
    r"(?:mailer-daemon|no[._-]?reply|do[._-]?not[._-]?reply|owner-[^@]*|[^@]*-(?:request|owner|bounces?)|bounces?)(?:[+=-][^@]*)?@",
    re.IGNORECASE,
)

# Reports about a letter: they belong to a ticket or to nobody, and never open one.
REPORTS = frozenset({Kind.AUTO_RESPONSE, Kind.BOUNCE, Kind.FEEDBACK_REPORT, Kind.RECEIPT})


def is_report(mail: Mail) -> bool:
    """Is this mail an answer of a machine to a letter: it opens no ticket and changes no status?"""
    return mail.kind in REPORTS or (mail.kind is Kind.CALENDAR and mail.calendar_method == "REPLY")


def is_robot_address(address: str) -> bool:
    """Does nobody read what is written to this address, going by its name?"""
    return _ROBOT.match(address) is not None


def is_machine_made(mail: Mail) -> bool:
    """Did nobody write this by hand: generated, from a list, an invitation?"""
    return mail.is_auto_generated or mail.kind is not Kind.MAIL


def has_too_many_hops(mail: Mail) -> bool:
    """Has this mail been handed on so often that it must be going in circles (RFC 5321 §6.3)?"""
    return len(mail.fields("Received")) > MAX_HOPS


def is_returned(mail: Mail, instance: str, *, is_own_letter: bool) -> bool:
    """Is this one of our own letters, come back to us?"""
    return is_own_letter or instance in (value.strip() for value in mail.fields(LOOP_FIELD))


def may_answer(mail: Mail, envelope: Envelope, trust: Trust, policy: Policy) -> bool:
    """May a letter be written to the author without a person asking for it?

    Never to the null sender (RFC 3834 §2), to robots, lists, ourselves, or an author who is not surely one.
    """
    author = mail.author.address if mail.author and mail.is_author_sole else ""
    return (
        is_mailbox(author)
        and trust is not Trust.FAILED
        and envelope.mail_from != ""
        and not is_machine_made(mail)
        and not is_robot_address(author)
        and not policy.is_desk_address(author)
        and not policy.is_support(author)
    )


def is_within(budgets: Budgets, provoked: Provoked) -> bool:
    """May a stranger make us write one more letter?"""
    return (
        provoked.address_hour < budgets.per_address_hour
        and provoked.address_day < budgets.per_address_day
        and provoked.domain_hour < budgets.per_domain_hour
        and provoked.hour < budgets.per_hour
    )


def budget_domain(address: str) -> str:
    """What a letter to that address counts against besides the address itself."""
    return domain_of(address)
