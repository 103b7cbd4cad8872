"""Reports by their fields: delivery status (RFC 3464, 6533), also where a broken one stands in the text; what
flufl.bounce makes of others, guarded; calendars."""

import email
import logging
import re
from collections.abc import Iterable, Iterator
from email.errors import MessageError
from email.message import Message

from maild.core.mail import BouncedRecipient
from maild.mime import attach, charset, fields
from maild.mime.parts import Leaf
from maild.mime.status import action_of, code_in, status_in

STATUS_TYPES = frozenset(
    {"message/delivery-status", "message/global-delivery-status", "text/delivery-status", "message/delivery-report"}
)
_NOTIFICATION_TYPES = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_LINE_END = re.compile(r"\r{0,2}\n|\r")
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)")
_INLINE = re.compile(r"^[ \t>]{0,8}(?:final|original)-recipient[ \t]*:[ \t]*[\w-]{1,20};", re.IGNORECASE | re.MULTILINE)
_STARTS = ("final-recipient", "original-recipient")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_UTF8_XTEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_LAST_CODE_POINT = 0x10FFFF
_ACTIONS = (("fail", "failed"), ("expire", "failed"), ("delay", "delayed"), ("deliver", "delivered"))
_KNOWN_ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
_OCTET_LINE_END = re.compile(rb"\r{1,2}\n|\r")
# RecursionError: the standard library descends into messages in messages in messages.
_CRASHES = (AssertionError, AttributeError, LookupError, MessageError, NameError, RecursionError, TypeError, ValueError)
_SCANNED = 64 * 1024  # octets given to flufl.bounce, which tries some 50 patterns on each line …
_SCANNED_LINES = 2000  # … of so many; what it looks for stands at the top
_MAX_OCTETS = 256 * 1024
MAX_RECIPIENTS = 200

Group = dict[str, str]


def status_recipients(leaves: Iterable[Leaf]) -> tuple[BouncedRecipient, ...]:
    """The recipients that the delivery-status parts speak of."""
    texts = (charset.decode(leaf.content()[:_MAX_OCTETS]).text for leaf in leaves if leaf.type in STATUS_TYPES)
    return _recipients(group for text in texts for group in _groups_of(text))


def inline_recipients(text: str) -> tuple[BouncedRecipient, ...]:
    """The same from fields that stand in the text, where the type of the part or its boundary was lost."""
    match = _INLINE.search(text)
    return _recipients(_groups_of(text[match.start() : match.start() + _MAX_OCTETS])) if match else ()


def original_id(leaves: Iterable[Leaf]) -> str:
    """The Message-ID that a delivery status itself names, as Gmail does, or a disposition notification; "" if none."""
    for leaf in leaves:
        if leaf.type in STATUS_TYPES | _NOTIFICATION_TYPES:
            for group in _groups_of(charset.decode(leaf.content()[:_MAX_OCTETS]).text):
                named = group.get("x-original-message-id") or group.get("original-message-id", "")
                if named:
                    return named.strip("<> ")
    return ""


def _recipients(groups: Iterable[Group]) -> tuple[BouncedRecipient, ...]:
    found = (_recipient_of(group) for group in groups)
    return tuple(dict.fromkeys(one for one in found if one))[:MAX_RECIPIENTS]


def _groups_of(text: str) -> Iterator[Group]:
    """The groups of fields (RFC 3464 §2.1): apart by blank lines, or where a second recipient begins without one."""
    group: Group = {}
    last = ""
    for line in [*_LINE_END.split(text), ""]:
        match = _FIELD.match(line.lstrip("> \t")) if line[:1] not in (" ", "\t") or not last else None
        if match and not (match[1].lower() in _STARTS and match[1].lower() in group):
            last = match[1].lower()
            group.setdefault(last, match[2])
        elif match:
            yield group
            last = match[1].lower()
            group = {last: match[2]}
        elif line.strip() and last:
            group[last] += " " + line.strip()
        elif group:
            yield group
            group, last = {}, ""


def _recipient_of(group: Group) -> BouncedRecipient | None:
    """One per-recipient group (RFC 3464 §2.3); the address as the sender knew it counts less than the final one."""
    named = [_address_of(group[name]) for name in (*_STARTS, "x-actual-recipient", "x-display-name") if name in group]
    address = next((one for one in named if "@" in one), next(iter(named), ""))
    if not address:
        return None
    said = group.get("diagnostic-code", "")
    action = _action_of(group.get("action", ""))
    status = code_in(group.get("status", "")) or status_in(said, is_delay=action == "delayed")
    return BouncedRecipient(address, status, action or action_of(status) or "failed")


def _action_of(value: str) -> str:
    word = value.partition("(")[0].partition(";")[0].strip().lower()
    return word if word in _KNOWN_ACTIONS else next((action for start, action in _ACTIONS if start in word), "")


def _address_of(value: str) -> str:
    """The address of a typed field (RFC 3464 §2.3.1) without its type, comment, brackets and xtext (RFC 6533 §3)."""
    kind, semicolon, address = fields.decode_words(value).partition(";")
    address = re.sub(r"\s\([^()]*\)\s*$", "", address if semicolon else kind).strip()
    inner = re.search(r"<([^<>]{1,320})>", address)
    address = (inner[1] if inner else address).strip(" <>\"'")
    address = re.sub(r"^(?:smtp|mailto|rfc822):", "", address, flags=re.IGNORECASE)
    if semicolon and kind.strip().lower() == "utf-8":
        return _UTF8_XTEXT.sub(_code_point, address)
    return _XTEXT.sub(_xtext, address) if "+3D" in address or "+2B" in address else address


def _xtext(match: re.Match[str]) -> str:
    """RFC 3461 §4: + and two hexadecimal digits."""
    return chr(int(match[1], 16))


def _code_point(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code <= _LAST_CODE_POINT and not 0xD800 <= code <= 0xDFFF else match[0]


def scan(raw: bytes) -> tuple[list[str], list[str]]:
    """Temporarily and permanently failed addresses by flufl.bounce; mail that crashes it says nothing."""
    from flufl.bounce import all_failures  # noqa: PLC0415 (only for the few mails that need it)

    logging.getLogger("flufl.bounce").disabled = True  # it logs its own crashes with a traceback; they are expected
    try:
        message: Message = email.message_from_bytes(_begin_of(raw))
        temporary, permanent = all_failures(message)
    except _CRASHES:
        return [], []
    return _as_text(temporary), _as_text(permanent)


def _begin_of(raw: bytes) -> bytes:
    return b"\n".join(_OCTET_LINE_END.sub(b"\n", raw[:_SCANNED]).split(b"\n")[:_SCANNED_LINES])


def _as_text(addresses: object) -> list[str]:
    found = addresses if isinstance(addresses, set | frozenset) else set()
    texts = (charset.decode(one).text if isinstance(one, bytes) else str(one) for one in found)
    return sorted(one.strip(" <>\"'") for one in texts if "@" in one)


def calendar_method(leaves: list[Leaf]) -> str:
    """The METHOD of the mail's own text/calendar part (RFC 5546 §1.4, RFC 6047 §2.4) in upper case, "" if none.

    A part declared an attachment counts only with a method in its type: some phones declare their answers so, and a
    calendar file that somebody sends along has none.
    """
    for leaf in leaves:
        if leaf.type == "text/calendar":
            declared = str(leaf.head.get_param("method", "") or "").strip()
            if attach.disposition_of(leaf) == "attachment":
                return declared.upper()
            match = re.search(rb"^METHOD:([A-Za-z-]+)", leaf.content()[:65536], re.MULTILINE | re.IGNORECASE)
            return (declared or (match[1].decode("ascii") if match else "")).upper()
    return ""
