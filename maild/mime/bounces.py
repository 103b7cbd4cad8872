"""Is it a bounce, and what does it say: by its structure (RFC 3464), else by what speaks for one, taken together.

No single sign outside the structure makes a bounce: machines also send other mail, and people quote bounces.
"""

from dataclasses import dataclass

from maild.core.mail import Bounce, BouncedRecipient
from maild.mime import autoreply, diagnosis, failures, report, status
from maild.mime.looks import Looks
from maild.mime.returned import TYPES as RETURNED_TYPES
from maild.mime.returned import Returned, returned_in

_ENOUGH = 4


@dataclass(frozen=True, slots=True)
class _Signs:
    """What speaks for a bounce; `robot` is 0, 1 or 2 (`failures.robot_weight`)."""

    robot: int
    is_null: bool
    is_auto: bool
    subject: bool
    words: bool
    code: bool
    is_named: bool
    opening: bool
    has_part: bool
    has_copy: bool

    @property
    def is_enough(self) -> bool:
        """A machine wrote it, it says that something failed, and all together weigh enough."""
        is_returned = self.has_part or self.has_copy
        is_full = self.subject and self.words and self.code
        tells = self.subject or self.code
        if self.robot == 2:
            is_machine, is_told = True, tells or self.words or is_returned
        elif self.robot == 1:
            is_machine = self.is_null or is_returned or self.is_auto or self.opening or (is_full and self.is_named)
            is_told = tells and (self.is_named or is_returned)
        else:
            is_machine = (
                (self.is_null and (self.subject or self.opening or is_returned or self.is_auto))
                or (is_full and self.has_part)
                or (self.opening and self.subject and (self.code or is_returned))
            )
            is_told = tells and self.words and (self.is_named or is_returned)
        weight = self.robot + self.is_null + (self.is_auto and self.robot > 0) + 2 * self.subject
        weight += self.words + self.code + self.opening + self.is_named + 2 * is_returned
        return is_machine and is_told and weight >= _ENOUGH


def is_from_machine(looks: Looks) -> bool:
    """Did surely a mail system write it, or does nobody want an answer (RFC 5321 §4.5.5)?"""
    return failures.robot_weight(looks.author, looks.fields.get("from", "")) == 2 or _has_null_sender(looks.fields)


def has_status(looks: Looks) -> bool:
    """Does it hold the fields of a delivery status, wherever they stand?"""
    return looks.report_type == "delivery-status" or any(leaf.type in report.STATUS_TYPES for leaf in looks.leaves)


def read(looks: Looks) -> Bounce | None:
    """What the mail says if it is a bounce, else None."""
    if not _is_worth_a_look(looks):
        return None
    returned = returned_in(looks.leaves, looks.text)
    recipients = _structured(looks)
    if recipients is None:
        return _free_form(looks, returned)
    if not recipients:
        recipients = _told(looks, returned)
    return Bounce(recipients, returned.message_id or report.original_id(looks.leaves) or _answered_id(looks))


def _is_worth_a_look(looks: Looks) -> bool:
    """Most mail is no bounce at the first glance."""
    return (
        looks.type == "multipart/report"
        or has_status(looks)
        or "x-failed-recipients" in looks.fields
        or _has_null_sender(looks.fields)
        or failures.robot_weight(looks.author, looks.fields.get("from", "")) > 0
        or failures.subject_tells(looks.subject)
    )


def _structured(looks: Looks) -> tuple[BouncedRecipient, ...] | None:
    """Recipients by RFC 3464, () if the report has lost them, None if it is no such report."""
    is_report = looks.type == "multipart/report" or looks.report_type == "delivery-status"
    has_status = any(leaf.type in report.STATUS_TYPES for leaf in looks.leaves)
    is_machines = is_from_machine(looks) or failures.subject_tells(looks.subject)
    if has_status and (is_report or is_machines or len(looks.leaves) == 1):
        return report.status_recipients(looks.leaves)
    if is_report or is_machines:
        recipients = report.inline_recipients(looks.text)
        if recipients or looks.report_type == "delivery-status":
            return recipients
    return None


def _free_form(looks: Looks, returned: Returned) -> Bounce | None:
    """A bounce in words (RFC 3464 came after most of its makers)."""
    own = _not_these(looks, returned)
    listed = diagnosis.addresses_in(looks.fields.get("x-failed-recipients", ""))
    named = listed or diagnosis.named_in(returned.words, own)
    if not listed and (_is_answer(looks, returned) or not _signs(looks, returned, named).is_enough):
        return None
    is_delay = failures.tells_of_delay(looks.subject, returned.words)
    recipients = diagnosis.failed_recipients(looks.raw, returned, named, own, is_delay=is_delay)
    return Bounce(recipients[: report.MAX_RECIPIENTS], returned.message_id or _answered_id(looks))


def _is_answer(looks: Looks, returned: Returned) -> bool:
    """An absence note from <>, or somebody who answers a bounce; some servers answer «Re: …» themselves."""
    if failures.is_answer_subject(looks.subject):
        return not (is_from_machine(looks) or failures.opens_like_a_machine(returned.words))
    tells = failures.subject_tells(looks.subject)
    return autoreply.mark_of(looks.fields, looks.author, looks.subject) != "" and not (
        tells or failures.robot_weight(looks.author, looks.fields.get("from", "")) == 2
    )


def _signs(looks: Looks, returned: Returned, named: list[str]) -> _Signs:
    has_part = any(leaf.type in RETURNED_TYPES for leaf in looks.leaves)
    submitted = autoreply.keyword(looks.fields.get("auto-submitted", ""))
    return _Signs(
        robot=failures.robot_weight(looks.author, looks.fields.get("from", "")),
        is_null=_has_null_sender(looks.fields),
        is_auto=submitted.startswith("auto-"),
        subject=failures.subject_tells(looks.subject),
        words=failures.words_tell(returned.words),
        code=status.has_code(returned.words[: failures.WORDS_SHOWN]),
        is_named=bool(named),
        opening=failures.opens_like_a_machine(returned.words),
        has_part=has_part,
        has_copy=bool(returned.header),
    )


def _told(looks: Looks, returned: Returned) -> tuple[BouncedRecipient, ...]:
    """What the words of a report say whose fields name nobody."""
    own = _not_these(looks, returned)
    named = diagnosis.addresses_in(looks.fields.get("x-failed-recipients", "")) or diagnosis.named_in(
        returned.words, own
    )
    is_delay = failures.tells_of_delay(looks.subject, returned.words)
    found = diagnosis.failed_recipients(looks.raw, returned, named, own, is_delay=is_delay)
    return found[: report.MAX_RECIPIENTS]


def _not_these(looks: Looks, returned: Returned) -> frozenset[str]:
    """Whom a bounce cannot mean: who wrote the returned mail, and who reports."""
    senders = diagnosis.addresses_in(returned.senders)
    return looks.own | {looks.author.lower()} | {one.lower() for one in senders}


def _answered_id(looks: Looks) -> str:
    """Gmail and Exchange answer the mail that failed: In-Reply-To, else the last of References."""
    found = (looks.fields.get("in-reply-to", "") or looks.fields.get("references", "")).split()
    return found[-1].strip("<>") if found else ""


def _has_null_sender(fields: dict[str, str]) -> bool:
    """Reports are sent from <> (RFC 5321 §4.5.5)."""
    return fields.get("return-path", "").strip() == "<>"
