"""What machines report about our mail: delivery status (RFC 3464) and, guarded, what flufl.bounce makes of the rest."""

import email
import logging
import re
from email.message import Message

from maild.core.mail import Bounce, BouncedRecipient
from maild.mime import attach, charset, fields
from maild.mime.parts import Leaf, header_of

_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_REPLY_CODE = re.compile(r"\b([245])\d\d[ -]")
_MSG_ID = re.compile(r"<([^<>\s]{1,995})>")
_MESSAGE_ID_LINE = re.compile(r"^[ \t>]*Message-Id:[ \t]*(?:\n[ \t]+)?<([^<>\s]{1,995})>", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"<?([^\s<>;,\"]{1,64}@[^\s<>;,\"]{1,255}?)>?[.,;]?(?:\s|$)")
_GROUPS = re.compile(rb"(?>\r{0,2}\n|\r)[ \t]*(?>\r{0,2}\n|\r)")
_LINE_END = re.compile(rb"\r{1,2}\n|\r")
_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED_TYPES = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}
)
_MAX_RECIPIENTS = 200
_SCANNED = 256 * 1024  # octets given to flufl.bounce; reports are small


def delivery_status(leaves: list[Leaf], text: str) -> Bounce | None:
    """What the delivery-status part says, None if the mail has none."""
    statuses = [leaf for leaf in leaves if leaf.type in _STATUS_TYPES]
    if not statuses:
        return None
    recipients = [one for leaf in statuses for group in _groups_of(leaf) if (one := _recipient_of(group))]
    return Bounce(tuple(recipients[:_MAX_RECIPIENTS]), original_message_id(leaves, text))


def scanned_bounce(raw: bytes, leaves: list[Leaf], text: str, failed: list[str]) -> Bounce | None:
    """What a bounce outside RFC 3464 says: `failed` are the X-Failed-Recipients fields, else flufl.bounce looks.

    None if nobody can be named. Ask only for mail that looks like a bounce.
    """
    addresses = [match[1] for value in failed for match in _ADDRESS.finditer(value.replace(",", " ") + " ")]
    delayed, permanent = ([], addresses) if addresses else _scan(raw)
    recipients = [BouncedRecipient(one, _status_near(text, one), "failed") for one in permanent]
    recipients += [BouncedRecipient(one, _status_near(text, one), "delayed") for one in delayed]
    if not recipients:
        return None
    return Bounce(tuple(recipients[:_MAX_RECIPIENTS]), original_message_id(leaves, text))


def original_message_id(leaves: list[Leaf], text: str) -> str:
    """The Message-ID of the returned mail: from the part that returns it, else from a copy in the text."""
    for leaf in leaves:
        if leaf.type in _RETURNED_TYPES:
            found, _ = fields.split_section(header_of(leaf.content().lstrip(b"\r\n")))
            values = [value.decode("utf-8", "replace") for name, value in found if name.lower() == "message-id"]
            match = _MSG_ID.search(values[0]) if values else None
            if match:
                return match[1]
    copy = _MESSAGE_ID_LINE.search(text)
    return copy[1] if copy else ""


def _groups_of(leaf: Leaf) -> list[dict[str, str]]:
    """The groups of fields of a delivery-status part; the first is about the message (RFC 3464 §2.1)."""
    groups = []
    for block in _GROUPS.split(leaf.content()):
        found, _ = fields.split_section(block)
        if found:
            groups.append({name.lower(): fields.unfold(value, "") for name, value in reversed(found)})
    return groups


def _recipient_of(group: dict[str, str]) -> BouncedRecipient | None:
    """One per-recipient group (RFC 3464 §2.3); the address as the sender knew it counts less than the final one."""
    named = group.get("final-recipient") or group.get("original-recipient")
    if not named:
        return None
    kind, semicolon, address = named.partition(";")
    address = (address if semicolon else kind).strip().strip("<>").strip()
    status = _STATUS.search(group.get("status", "")) or _STATUS.search(group.get("diagnostic-code", ""))
    action = group.get("action", "").partition("(")[0].strip().lower()
    return BouncedRecipient(address, status[1] if status else "", action)


def _scan(raw: bytes) -> tuple[list[str], list[str]]:
    """Temporarily and permanently failed addresses by flufl.bounce; mail that crashes it says nothing."""
    from flufl.bounce import all_failures  # noqa: PLC0415 (only for the few mails that need it)

    logging.getLogger("flufl.bounce").disabled = True  # it logs its own crashes with a traceback; they are expected
    message: Message = email.message_from_bytes(_LINE_END.sub(b"\n", raw[:_SCANNED]))
    try:
        temporary, permanent = all_failures(message)
    except (AttributeError, LookupError, TypeError, ValueError, AssertionError):
        return [], []
    return _as_text(temporary), _as_text(permanent)


def _as_text(addresses: object) -> list[str]:
    found = addresses if isinstance(addresses, set | frozenset) else set()
    return sorted(charset.decode(one).text if isinstance(one, bytes) else str(one) for one in found)


def _status_near(text: str, address: str) -> str:
    """The status code that follows an address in the text, else the first one, "" if there is none."""
    place = max(text.find(address), 0)
    status = _STATUS.search(text, place) or _STATUS.search(text)
    if status:
        return status[1]
    code = _REPLY_CODE.search(text, place)
    return f"{code[1]}.0.0" if code else ""


def calendar_method(leaves: list[Leaf]) -> str:
    """The METHOD of the mail's own text/calendar part (RFC 5546 §1.4, RFC 6047 §2.4) in upper case, "" if none."""
    for leaf in leaves:
        if leaf.type == "text/calendar" and attach.disposition_of(leaf) != "attachment":
            declared = str(leaf.head.get_param("method", "") or "")
            match = re.search(rb"^METHOD:([A-Za-z-]+)", leaf.content()[:65536], re.MULTILINE)
            return (declared or (match[1].decode("ascii") if match else "")).strip().upper()
    return ""
