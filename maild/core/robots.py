"""Machines that write mail, and how not to answer them (SPEC section 6, RFC 3834)."""

import re

from maild.core.address import domain_of, is_mailbox, normalise
from maild.core.facts import Provoked
from maild.core.mail import Envelope, Kind, Mail
from maild.core.policy import Budgets, Policy
from maild.core.trust import Trust

LOOP_FIELD = "X-Maild-Loop"
TICKET_FIELD = "X-Maild-Ticket"
MAX_HOPS = 50  # more Received fields than that are a loop (RFC 5321 §6.3 asks for 100 at least; desks never see 20)

# Addresses behind which nobody reads: RFC 3834 §2 and the customs of list servers and shops.
_ROBOT = re.compile(
    r"(?:mailer-daemon|(?:[^@]*[._-])?(?:no|do[._-]?not)[._-]?reply|auto-?(?:reply|responder)|owner-[^@]*"
    r"|[^@]*-(?:request|owner|bounces?)|bounces?)(?:[+=-][^@]*)?@",
    re.IGNORECASE,
)

# A number in brackets, or behind one of the words that ticket desks put before it.
_FOREIGN_TAG = re.compile(
    r"\[[^\[\]]{0,40}[0-9][^\[\]]{0,40}\]|##[^#\s]{0,20}[0-9]+[^#\s]{0,20}##"
    r"|\b(?:ticket|case|request|incident|issue|inquiry|тикет|заявка|запрос|обращение|инцидент|звернення|заявка)"
    r"(?:\s{0,2}(?:id|no\.?|number))?[\s:#№-]{0,4}[0-9][0-9-]{1,20}",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"[0-9]+")
_MOST_NUMBERS = 2  # of ours that a person puts into one subject

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


def wants_no_answer(mail: Mail) -> bool:
    """Does the sender ask for no automatic answer ([MS-OXCMAIL] 2.2.3.2.14)? Other ticket desks and notices do."""
    asked = ",".join(mail.fields("X-Auto-Response-Suppress")).casefold().split(",")
    return not {"all", "autoreply"}.isdisjoint(word.strip() for word in asked)


def has_too_many_hops(mail: Mail) -> bool:
    """Has this mail been handed on so often that it must be going in circles (RFC 5321 §6.3)?"""
    return len(mail.fields("Received")) > MAX_HOPS


def is_returned(mail: Mail, instance: str, *, is_own_letter: bool) -> bool:
    """Is this one of our own letters, come back to us?"""
    return is_own_letter or instance in (value.strip() for value in mail.fields(LOOP_FIELD))


def is_notice(returned: Mail) -> bool:
    """Is this letter of ours about no ticket, but about held mail or the desk itself?"""
    return not returned.fields(TICKET_FIELD)


def is_nested(subject: str, tag: str) -> bool:
    """Do the numbers in a subject grow as two ticket desks answer each other, neither knowing the other's?

    Our number twice around a foreign one, or beside two foreign ones of the same make, or three that look like ours:
    the other desk may write them the same way. `tag` is desk.subject_tag.
    """
    own = re.findall(rf"\[{re.escape(tag)}[1-9][0-9]{{0,17}}\]", subject)
    foreign = set(_FOREIGN_TAG.findall(subject)) - set(own)
    makes = [_DIGITS.sub("0", found).casefold() for found in foreign]
    is_growing = len(own) > 1 or len(set(makes)) < len(makes)
    return len(set(own)) > _MOST_NUMBERS or bool(own and foreign and is_growing)


def has_number(subject: str) -> bool:
    """Does a subject carry a number as ticket desks write it, ours or another's?"""
    return _FOREIGN_TAG.search(subject) is not None


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
        and not wants_no_answer(mail)
        and may_be_asked(author, policy)
    )


def may_be_asked(address: str, policy: Policy) -> bool:
    """May a letter that nobody has written by hand go to that address: is it neither a robot's nor one of ours?

    A person of support who asks another category is its customer like anybody else.
    """
    return not (
        is_robot_address(address)
        or policy.is_desk_address(address)
        or policy.is_team(address)
        or normalise(address) in policy.form_senders
    )


def is_within(budgets: Budgets, provoked: Provoked) -> bool:
    """May a stranger make us write one more letter?"""
    return (
        not provoked.is_muted
        and provoked.address_hour < budgets.per_address_hour
        and provoked.address_day < budgets.per_address_day
        and provoked.domain_hour < budgets.per_domain_hour
        and provoked.hour < budgets.per_hour
    )


def budget_domain(address: str) -> str:
    """What a letter to that address counts against besides the address itself."""
    return domain_of(address)
