"""One mail as a page to read: what kind it is, who wrote, which words are new, what was folded away."""

from collections.abc import Iterator

from maild.cli.folds import fold_sign
from maild.core.mail import Attachment, Kind, Mail, Mailbox
from maild.core.match import numbers_in
from maild.mime.plain import size

_KINDS = {
    Kind.MAIL: "a mail",
    Kind.AUTO_RESPONSE: "an automatic answer",
    Kind.BOUNCE: "a delivery report",
    Kind.FEEDBACK_REPORT: "a complaint report",
    Kind.RECEIPT: "a receipt",
    Kind.CALENDAR: "a calendar mail",
    Kind.LIST: "a mail from a list",
}
_LANGUAGES = {"ru": "Russian", "en": "English"}
_SHOWN = 4  # lines of each folded stretch


def mail_page(mail: Mail, tag: str) -> str:
    """The page; `tag` is what stands before ticket numbers in subjects. It holds strangers' words."""
    return "\n".join(line for lines in _chapters(mail, tag) if lines for line in ("", *lines)).lstrip("\n")


def _chapters(mail: Mail, tag: str) -> Iterator[list[str]]:
    yield _facts(mail, tag)
    yield _chapter("New words", mail.reply.split("\n") if mail.reply.strip() else ["(none)"])
    for start, end in mail.folds:
        yield _chapter(f"Folded away as {fold_sign(mail.text[start:end])}", _folded(mail.text[start:end]))
    yield _chapter("Attachments", [_attachment(file) for file in mail.attachments])
    yield _chapter("Returned", _returned(mail))
    yield _chapter("Odd about it", list(mail.defects))


def _chapter(title: str, lines: list[str]) -> list[str]:
    return [f"{title}:", *(f"  {line}".rstrip() for line in lines)] if lines else []


def _facts(mail: Mail, tag: str) -> list[str]:
    numbers = " ".join(f"[{tag}{number}]" for number in numbers_in(mail.subject, tag))
    facts = {
        "Kind": _kind(mail),
        "Error": mail.error or "",
        "From": _author(mail),
        "To": ", ".join(map(_person, mail.to)),
        "Cc": ", ".join(map(_person, mail.cc)),
        "Subject": mail.subject,
        "Date": f"{mail.date:%Y-%m-%d %H:%M:%S} UTC" if mail.date else "",
        "Message-ID": mail.message_id,
        "Answers": " ".join(mail.in_reply_to),
        "Names": numbers,
    }
    return [f"{name + ':':<12}{value}" for name, value in facts.items() if value]


def _kind(mail: Mail) -> str:
    words = [_KINDS[mail.kind] + (f" (by {mail.kind_reason})" if mail.kind_reason else "")]
    if mail.language:
        words.append(f"in {_LANGUAGES.get(mail.language, mail.language)}")
    if mail.is_courtesy:
        words.append("nothing but thanks")
    if mail.is_charset_guessed:
        words.append("charset guessed")
    return ", ".join(words)


def _author(mail: Mail) -> str:
    if mail.author is None:
        return "nobody"
    return _person(mail.author) + ("" if mail.is_author_sole else " (for display only: not exactly one From)")


def _person(person: Mailbox) -> str:
    return f"{person.name} <{person.address}>" if person.name else person.address


def _folded(text: str) -> list[str]:
    lines = [line for line in text.split("\n") if line.strip()]
    more = [f"… {len(lines) - _SHOWN} more lines"] if len(lines) > _SHOWN else []
    return [*lines[:_SHOWN], *more]


def _attachment(file: Attachment) -> str:
    place = "  (inline)" if file.inline else ""
    return f"{file.name}  {file.type}  {size(file.size, 'en')}{place}  sha256 {file.sha256}"


def _returned(mail: Mail) -> list[str]:
    if mail.bounce is None:
        return []
    people = [" ".join(filter(None, (one.address, one.action, one.status))) for one in mail.bounce.recipients]
    about = mail.bounce.original_message_id
    return [*people, *([f"about {about}"] if about else [])]
