"""What kind of mail this is (SPEC section 4): by its fields and parts, and only at last by its wording.

Sources: RFC 3834 (Auto-Submitted), 3464 (DSN), 5965 (ARF), 8098 (MDN), 5546 (iTIP), 2369 and 2919 (lists), and what
common makers write instead.
"""

import re
from dataclasses import dataclass

from maild.core.mail import Bounce, Kind
from maild.mime import attach, autoreply, bounces, report
from maild.mime.alternatives import any_of
from maild.mime.looks import Looks
from maild.mime.returned import returned_in

_LIST_FIELDS = (
    "list-id list-post list-unsubscribe list-help list-subscribe mailing-list x-mailing-list x-list-id x-beenthere "
    "x-mailman-version x-google-group-id"
).split()
_FEEDBACK_FIELD = re.compile(r"^Feedback-Type:[ \t]*\w", re.MULTILINE | re.IGNORECASE)
_COMPLAINT_SUBJECT = re.compile(r"complaint about message from [\d.:a-f]+\s*$", re.IGNORECASE)
_READ_SUBJECT = any_of(
    r"""
    \s*(?:read(?: receipt)?|not read|return receipt(?: \(displayed\))?|прочитано|прочтено|не прочитано|gelesen|lu\
        |leído|letto|lido|przeczytano|gelezen|уведомление о прочтении|lesebest[äa]tigung)\b\s*[:(-]
    """
)
_DISPOSITION_FIELD = re.compile(r"^Disposition:[ \t]*(?:manual|automatic)-action[ \t]*/", re.MULTILINE | re.IGNORECASE)
_RECEIPT_CLASS = re.compile(r"content-classes:mdn|report\.ipm\.note\.ipn?rn", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sort:
    """The kind, whether it was only guessed from subject or wording, what a bounce says, a calendar's METHOD, in
    words what the kind was told by, and the Message-ID of the mail that a complaint or a receipt is about."""

    kind: Kind
    is_guessed: bool = False
    bounce: Bounce | None = None
    calendar_method: str = ""
    reason: str = ""
    about: str = ""


def is_auto_generated(value: str) -> bool:
    """Auto-Submitted says auto-generated, or auto-notified (RFC 3834 §5, RFC 5436 §2.7.1)."""
    return autoreply.keyword(value) in ("auto-generated", "auto-notified")


def sort_out(looks: Looks) -> Sort:
    """The kind of a mail; the surest sign counts, and a report counts more than who sent it."""
    types = _own_types(looks)
    if _is_complaint(looks, types):
        return Sort(Kind.FEEDBACK_REPORT, reason="its feedback report", about=_about(looks))
    if _is_receipt(looks, types):
        return Sort(Kind.RECEIPT, reason="its disposition notification", about=_about(looks))
    bounce = bounces.read(looks)
    if bounce:
        reason = "its delivery status" if bounces.has_status(looks) else "its author, subject and words together"
        return Sort(Kind.BOUNCE, is_guessed=not bounce.recipients, bounce=bounce, reason=reason)
    method = report.calendar_method(looks.leaves)
    if method:
        return Sort(Kind.CALENDAR, calendar_method=method, reason=f"its calendar part, {method}")
    return _by_fields(looks)


def _about(looks: Looks) -> str:
    """The mail that a report is about: Original-Message-ID (RFC 8098 §3.2.5), else that of its copy (RFC 5965 §2)."""
    return report.original_id(looks.leaves) or returned_in(looks.leaves, looks.text).message_id


def _by_fields(looks: Looks) -> Sort:
    """What is no report: an automatic answer, mail of a list, or a mail."""
    mark = autoreply.mark_of(looks.fields, looks.author, looks.subject)
    if mark:
        return Sort(Kind.AUTO_RESPONSE, reason=f"its field {mark}")
    list_field = _list_field(looks.fields)
    if list_field:
        return Sort(Kind.LIST, reason=f"its field {list_field}")
    if autoreply.reads_like_one(looks.fields, looks.subject, looks.reply):
        return Sort(Kind.AUTO_RESPONSE, is_guessed=True, reason="its subject or words only")
    return Sort(Kind.MAIL)


def _own_types(looks: Looks) -> set[str]:
    """The types of the parts by which a mail can be a report; in another mail such a part may be a file sent along."""
    is_report = looks.type == "multipart/report" or len(looks.leaves) == 1 or bounces.is_from_machine(looks)
    return {leaf.type for leaf in looks.leaves if is_report or attach.disposition_of(leaf) != "attachment"}


def _is_complaint(looks: Looks, types: set[str]) -> bool:
    """An abuse report (RFC 5965), or Microsoft's, which is a mail around the one complained of."""
    if "message/feedback-report" in types or looks.report_type == "feedback-report":
        return True
    has_returned = "message/rfc822" in types
    if has_returned and looks.author.lower().startswith("staff@") and _COMPLAINT_SUBJECT.match(looks.subject):
        return True
    return looks.type == "multipart/report" and _FEEDBACK_FIELD.search(looks.text) is not None


def _is_receipt(looks: Looks, types: set[str]) -> bool:
    """A disposition notification (RFC 8098), or what Outlook leaves of one, if more than its subject says so."""
    if {"message/disposition-notification", "message/global-disposition-notification"} & types:
        return True
    if looks.report_type == "disposition-notification" or _RECEIPT_CLASS.search(looks.fields.get("content-class", "")):
        return True
    if _READ_SUBJECT.match(looks.subject) is None:
        return False
    is_replied = autoreply.keyword(looks.fields.get("auto-submitted", "")) == "auto-replied"
    return is_replied or _DISPOSITION_FIELD.search(looks.text) is not None


def _list_field(fields: dict[str, str]) -> str:
    """The field that tells mail of a list, "" if there is none."""
    if autoreply.keyword(fields.get("precedence", "")) in ("list", "bulk", "junk"):
        return "precedence"
    return next((name for name in _LIST_FIELDS if name in fields), "")
