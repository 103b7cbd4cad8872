"""What kind of mail this is (SPEC section 4): by its fields and parts, and only at last by its wording.

Sources: RFC 3834 (Auto-Submitted), 3464 (DSN), 5965 (ARF), 8098 (MDN), 5546 (iTIP), 2369 and 2919 (lists), and the
fields that autoresponders of common makers write instead.
"""

import re
from dataclasses import dataclass

from maild.core.mail import Bounce, Kind
from maild.mime import attach, report
from maild.mime.parts import Leaf

_AUTO_REPLY_FIELDS = (
    "x-autoreply x-auto-reply x-autorespond x-autoresponder x-auto-respond x-mail-autoreply x-autoreply-from "
    "x-vacation x-ms-exchange-inbox-rules-loop x-pop3-autoreply x-out-of-office"
).split()
_AUTO_REPLY_SUBJECT = re.compile(
    r"\s*(?:\[auto-?reply\]|auto(?:matic)?[ -]?(?:reply|response|answer)|autoreply|out[ -]of[ -](?:the[ -])?office"
    r"|автоматический ответ|автоматическое уведомление|автоответ(?:чик)?|вне офиса|нет на месте|я в отпуске|в отпуске\b"
    r"|автоматична відповідь|автовідповідь|поза офісом|я у відпустці|abwesenheit|automatische antwort"
    r"|réponse automatique|respuesta automática|risposta automatica|automatisch antwoord|autosvar)",
    re.IGNORECASE,
)
_BOUNCE_SUBJECT = re.compile(
    r"(?:undeliver(?:ed|able)|delivery (?:status notification|failure|has failed|report|problem|notification|delayed)"
    r"|mail delivery (?:failed|system|failure)|failure notice|returned (?:mail|to sender)"
    r"|message (?:not delivered|delayed)"
    r"|(?:could not|couldn't|cannot) be delivered|non[ -]?delivery|delayed mail|warning: (?:could not send|message)"
    r"|non remis|unzustellbar|nicht zugestellt|rejected mail|mail system error|delivery error|permanent(?:e|ly)? fail"
    r"|недоставлен|не доставлен|не удалось доставить|невозможно доставить|ошибка доставки|сбой доставки|не вдалося "
    r"доставити|невдала доставка)",
    re.IGNORECASE,
)
_ROBOT = re.compile(
    r"(?:mailer[-_.]?daemon|postmaster|mail[-_.]?daemon|mail-delivery|maildelivery|mdaemon)", re.IGNORECASE
)
_LIST_FIELDS = ("list-id", "list-post", "list-unsubscribe", "mailing-list", "x-mailing-list")


@dataclass(frozen=True, slots=True)
class Sort:
    """The kind, whether it was only guessed from subject or wording, what a bounce says, a calendar's METHOD."""

    kind: Kind
    is_guessed: bool = False
    bounce: Bounce | None = None
    calendar_method: str = ""


@dataclass(frozen=True, slots=True)
class Looks:
    """What the kind is judged by. `fields` maps lower-case names to the first value; `author` is an address."""

    raw: bytes
    type: str
    report_type: str
    fields: dict[str, str]
    author: str
    subject: str
    text: str
    leaves: list[Leaf]


def is_auto_generated(value: str) -> bool:
    """Auto-Submitted says auto-generated, or auto-notified (RFC 3834 §5, RFC 5436 §2.7.1)."""
    return _token(value) in ("auto-generated", "auto-notified")


def sort_out(looks: Looks) -> Sort:
    """The kind of a mail; the surest sign counts, and a report counts more than who sent it."""
    found = _report(looks) or _bounce(looks) or _torso(looks)
    if found:
        return found
    if _is_auto_reply(looks.fields):
        return Sort(Kind.AUTO_RESPONSE)
    if _token(looks.fields.get("auto-submitted", "")) != "no" and _AUTO_REPLY_SUBJECT.match(looks.subject):
        return Sort(Kind.AUTO_RESPONSE, is_guessed=True)
    method = report.calendar_method(looks.leaves)
    if method:
        return Sort(Kind.CALENDAR, calendar_method=method)
    return Sort(Kind.LIST if _is_list(looks.fields) else Kind.MAIL)


def _token(value: str) -> str:
    """The keyword of a field without its parameters and comments."""
    return re.split(r"[;(\s]", value.strip().lower(), maxsplit=1)[0]


def _report(looks: Looks) -> Sort | None:
    """A report by its structure: multipart/report, or a mail that is nothing but the report part."""
    if looks.type != "multipart/report" and len(looks.leaves) > 1 and not _is_from_robot(looks):
        return None
    types = {leaf.type for leaf in looks.leaves if attach.disposition_of(leaf) != "attachment" or not leaf.path}
    if "message/feedback-report" in types or looks.report_type == "feedback-report":
        return Sort(Kind.FEEDBACK_REPORT)
    if "message/disposition-notification" in types or looks.report_type == "disposition-notification":
        return Sort(Kind.RECEIPT)
    bounce = report.delivery_status(looks.leaves, looks.text)
    if bounce:
        return Sort(Kind.BOUNCE, bounce=bounce)
    return None


def _bounce(looks: Looks) -> Sort | None:
    """A bounce outside RFC 3464: a robot wrote it, and a machine or the subject says why."""
    failed = looks.fields.get("x-failed-recipients", "")
    is_robot, says_so = _is_from_robot(looks), _BOUNCE_SUBJECT.search(looks.subject) is not None
    if not (failed or is_robot or (says_so and _has_null_sender(looks.fields))):
        return None
    if _is_auto_reply(looks.fields) and not (failed or says_so):
        return None
    bounce = report.scanned_bounce(looks.raw, looks.leaves, looks.text, [failed] if failed else [])
    if bounce:
        return Sort(Kind.BOUNCE, bounce=bounce)
    if not says_so:
        return None
    return Sort(Kind.BOUNCE, is_guessed=True, bounce=Bounce((), report.original_message_id(looks.leaves, looks.text)))


def _torso(looks: Looks) -> Sort | None:
    """A delivery report by its Content-Type that has lost the part with the report: no question, whoever sent it."""
    if looks.report_type != "delivery-status":
        return None
    return Sort(Kind.BOUNCE, is_guessed=True, bounce=Bounce((), report.original_message_id(looks.leaves, looks.text)))


def _is_from_robot(looks: Looks) -> bool:
    return _ROBOT.match(looks.author) is not None or (
        not looks.author and _ROBOT.search(looks.fields.get("from", "")[:200]) is not None
    )


def _has_null_sender(fields: dict[str, str]) -> bool:
    """Reports are sent from <> (RFC 5321 §4.5.5)."""
    return fields.get("return-path", "").strip() == "<>" or "x-failed-recipients" in fields


def _is_auto_reply(fields: dict[str, str]) -> bool:
    token = _token(fields.get("auto-submitted", ""))
    if token:
        return token == "auto-replied"
    if _token(fields.get("precedence", "")) in ("auto_reply", "auto-reply"):
        return True
    if _token(fields.get("x-autogenerated", "")) == "reply":
        return True
    return any(fields.get(name, "no").strip().lower() not in ("no", "") for name in _AUTO_REPLY_FIELDS)


def _is_list(fields: dict[str, str]) -> bool:
    precedence = _token(fields.get("precedence", ""))
    return precedence in ("list", "bulk", "junk") or any(name in fields for name in _LIST_FIELDS)
