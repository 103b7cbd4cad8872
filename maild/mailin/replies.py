"""What the far end is told: errors become replies, every reply gets its enhanced status code (RFC 2034, RFC 3463)."""

from maild.core.errors import (
    DiskLow,
    MaildError,
    NotAllowed,
    Permanent,
    StoreBusy,
    TooBig,
    Transient,
    UnknownRecipient,
)

RECIPIENT_OK = "250 2.1.5 recipient ok"
CLOSING = "421 4.3.2 closing for maintenance, please come back"
CROWDED = "421 4.3.2 too many connections, please come back later"
TOO_MANY_OF_YOU = "421 4.7.0 too many connections from your address"
TOO_MANY_COMMANDS = "421 4.7.0 too many commands without a mail"
TOO_SLOW = "421 4.4.2 waited too long, good-bye"
NOT_THE_WEB = "421 4.7.0 this is not a web server"
TALKED_BEFORE_TLS = "554 5.5.1 nothing may follow STARTTLS before the handshake"
TLS_NOW = "220 2.0.0 ready to start TLS"
TOO_MANY_FAILURES = "421 4.7.0 too many failed logins"
BARRED = "454 4.7.0 too many failed logins from your address, please come back later"
LINE_TOO_LONG = "500 5.5.2 command line too long"
NO_COMMAND = "500 5.5.2 this is no command"
TALKED_EARLY = "554 5.5.1 you spoke before the greeting (RFC 5321 section 4.3.1)"


class BadText(Permanent):
    """Lines no mail may have: too long, or with a bare CR or LF (RFC 5321 §2.3.8, §4.5.3.1.6)."""


class Crowded(Transient):
    """More octets are on their way in than memory is set aside for."""


_REPLIES: tuple[tuple[type[Exception], str], ...] = (
    (UnknownRecipient, "550 5.1.1"),
    (NotAllowed, "550 5.7.1"),
    (TooBig, "552 5.3.4"),
    (BadText, "554 5.6.0"),
    (Permanent, "554 5.0.0"),
    (Crowded, "452 4.3.1"),
    (DiskLow, "452 4.3.1"),
    (StoreBusy, "451 4.3.0"),
    (MaildError, "451 4.3.0"),
)
_OUR_TROUBLE = "451 4.3.0 our own trouble, please try again later"


def reply_for(error: Exception) -> str:
    """The reply to an error. What is not one of ours says nothing to strangers and is transient."""
    for kind, code in _REPLIES:
        if isinstance(error, kind):
            return f"{code} {error}"
    return _OUR_TROUBLE


# For the replies that aiosmtpd words itself, by their basic code.
_ENHANCED = {
    "221": "2.0.0",
    "250": "2.0.0",
    "252": "2.5.0",
    "454": "4.7.0",
    "500": "5.5.2",
    "501": "5.5.4",
    "502": "5.5.1",
    "503": "5.5.1",
    "552": "5.3.4",
    "553": "5.1.3",
    "555": "5.5.4",
}


def with_enhanced_code(reply: str) -> str:
    """`503 text` → `503 5.5.1 text`; a reply that has its code, or may have none (RFC 2034 §4), stays as it is."""
    code, _, text = reply.partition(" ")
    if code not in _ENHANCED or text.startswith(f"{code[0]}."):
        return reply
    return f"{code} {_ENHANCED[code]} {text}"
