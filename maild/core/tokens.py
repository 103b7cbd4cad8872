"""What we sign, and how we know it again: reply and bounce addresses, Message-IDs, action links and codes, page nonces.

Every token binds a ticket, a person and a purpose under one of the desk's keys; the first key signs, all of them
verify (retired keys go on counting). An altered token, or one made for somebody else, is no token. Keys and time are
arguments.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from itsdangerous import BadData, URLSafeSerializer

from maild.core.address import normalise, with_detail

Keys = tuple[bytes, ...]

_CODE_OCTETS = 10  # 80 bits: 16 characters of base32 leave room in the 64 octets of a local part (RFC 5321 §4.5.3.1.1)
_NUMBER = r"[1-9][0-9]{0,17}"
# ASCII: without it, ignoring case takes the long s (U+017F) and the Kelvin sign (U+212A) for letters of ours.
_FLAGS = re.IGNORECASE | re.ASCII
_DETAIL = re.compile(rf"([tb])({_NUMBER})\.([a-z2-7]{{16}})", _FLAGS)
_MESSAGE_ID = re.compile(rf"({_NUMBER})\.([can])\.([a-z2-7]{{16}})\.([a-z2-7]{{16}})@[^@\s<>]+", _FLAGS)
_ACTION_CODE = re.compile(r"(solved|continue)-([a-z2-7]{16})", _FLAGS)
_NONCE = re.compile(r"([0-9]{1,12})\.([a-z2-7]{16})\.([a-z2-7]{16})")


class Purpose(StrEnum):
    """What the holder of a token may do with it."""

    CUSTOMER = "c"  # writes into the ticket as its participant
    AGENT = "a"  # his answer is relayed to the customer
    NOTE = "n"  # what he writes stays inside


class Action(StrEnum):
    """The two action links, by their name in `/a/{token}`."""

    SOLVED = "solved"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Signed:
    """A reply address, Message-ID or action code of ours, as found in a mail: not yet verified."""

    number: int
    code: str
    purpose: Purpose | None = None
    nonce: str = ""
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What an action link says: this person may do this to this ticket."""

    number: int
    person: str
    action: Action


class HeldAction(StrEnum):
    """What can be done with a held mail, by its name in a link."""

    SHOW = "show"
    SEND = "send"
    NOTE = "note"
    RELEASE = "release"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """What a link about a held mail says: this person of support may do this with it."""

    mail: int
    person: str
    action: HeldAction


@dataclass(frozen=True, slots=True)
class FieldsClaim:
    """What a link to a form says: this person may fill in the card of this ticket."""

    number: int
    person: str


@dataclass(frozen=True, slots=True)
class FileClaim:
    """What a file link says: until then this person may have that part of that message's mail."""

    message: int
    part: int
    person: str
    until: datetime


@dataclass(frozen=True, slots=True)
class LanguageClaim:
    """What a language link says: this person may be written to in that language."""

    person: str
    language: str


@dataclass(frozen=True, slots=True)
class LoginClaim:
    """What a login link says: who may enter, and since when; `salt` makes it another one than the link before.

    `number` is the ticket that he wanted to see, 0 for none.
    """

    person: str
    salt: str
    at: datetime
    number: int = 0


def derive_keys(secrets: Iterable[bytes]) -> Keys:
    """One key per secret text, so that a short or structured secret is never used raw (RFC 5869 in spirit)."""
    return tuple(hmac.digest(b"maild tokens 1", secret, "sha256") for secret in secrets)


def _code(key: bytes, *parts: object) -> str:
    text = "\0".join(str(part) for part in parts)
    digest = hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")
    return base64.b32encode(digest[:_CODE_OCTETS]).decode("ascii").lower()


def _is_code(keys: Keys, code: str, *parts: object) -> bool:
    return any(hmac.compare_digest(_code(key, *parts), code.lower()) for key in keys)


def fingerprint(key: bytes) -> str:
    """What the database may know of a key: enough to see that two nodes have the same."""
    return hashlib.sha256(b"maild fingerprint" + key).hexdigest()[:16]


def reply_address(keys: Keys, address: str, number: int, person: str, purpose: Purpose) -> str:
    """`billing+t1042.<code>@desk.example`: mail to it belongs to the ticket, if it comes from that person."""
    return with_detail(address, f"t{number}.{_code(keys[0], 'reply', number, normalise(person), purpose)}")


def bounce_address(keys: Keys, address: str, letter: int) -> str:
    """The envelope sender of one outbox row (VERP): a bounce to it is about that letter."""
    return with_detail(address, f"b{letter}.{_code(keys[0], 'bounce', letter)}")


def read_detail(detail: str) -> tuple[str, Signed] | None:
    """The kind (`t` reply, `b` bounce) and token in the +detail of one of our addresses, or None."""
    match = _DETAIL.fullmatch(detail)
    if match is None:
        return None
    return match[1].lower(), Signed(int(match[2]), match[3].lower())


def bounced_letter(keys: Keys, detail: str) -> int | None:
    """The outbox row whose envelope sender had this +detail, or None if we did not sign it."""
    found = read_detail(detail)
    if found is None or found[0] != "b":
        return None
    letter = found[1].number
    return letter if _is_code(keys, found[1].code, "bounce", letter) else None


def message_id(keys: Keys, number: int, person: str, purpose: Purpose, nonce: str, domain: str) -> str:
    """A Message-ID without brackets (RFC 5322 §3.6.4). `nonce` is 16 characters a-z2-7, new for each letter."""
    code = _code(keys[0], "message-id", number, normalise(person), purpose, nonce)
    return f"{number}.{purpose}.{nonce}.{code}@{domain}"


def read_message_id(value: str) -> Signed | None:
    """What one of our Message-IDs says, or None for any other."""
    match = _MESSAGE_ID.fullmatch(value)
    if match is None:
        return None
    return Signed(int(match[1]), match[4].lower(), Purpose(match[2].lower()), match[3].lower())


def verify(keys: Keys, signed: Signed, people: Iterable[str]) -> tuple[str, Purpose] | None:
    """Whose token it is and what for: the first of `people` it was made for, or None."""
    purposes = (signed.purpose,) if signed.purpose else tuple(Purpose)
    for person in people:
        for purpose in purposes:
            if _is_code(keys, signed.code, *_signed_parts(signed, normalise(person), purpose)):
                return normalise(person), purpose
    return None


def _signed_parts(signed: Signed, person: str, purpose: Purpose) -> tuple[object, ...]:
    if signed.action:
        return "action", signed.number, person, signed.action
    if signed.nonce:
        return "message-id", signed.number, person, purpose, signed.nonce
    return "reply", signed.number, person, purpose


def action_code(keys: Keys, claim: Claim) -> str:
    """`solved-<code>`: stands behind the number in the subject of a ready mail, where addresses can carry no token."""
    return f"{claim.action}-{_code(keys[0], 'action', claim.number, normalise(claim.person), claim.action)}"


def read_action_code(number: int, text: str) -> Signed | None:
    """The code that stood behind that ticket's number in a subject, or None if it does not look like one."""
    match = _ACTION_CODE.fullmatch(text)
    if match is None:
        return None
    return Signed(number, match[2].lower(), Purpose.CUSTOMER, action=Action(match[1].lower()))


def _links(keys: Keys, kind: str = "action") -> URLSafeSerializer:
    return URLSafeSerializer(
        list(reversed(keys)), salt=f"maild {kind} link", signer_kwargs={"digest_method": hashlib.sha256}
    )


def action_token(keys: Keys, claim: Claim) -> str:
    """The token of an action link. It has no age: whether it may act is judged from the ticket."""
    return str(_links(keys).dumps([claim.number, claim.person, claim.action.value]))


def read_action(keys: Keys, token: str) -> Claim | None:
    """What an action link says, or None if we did not make it."""
    try:
        number, person, action = _links(keys).loads(token)
        claim = Claim(int(number), str(person), Action(action))
    except (BadData, ValueError, TypeError):
        return None
    # The last character of base64 has bits that mean nothing: of the spellings of a signature only ours counts.
    return claim if any(action_token((key,), claim) == token for key in keys) else None


def held_token(keys: Keys, claim: HeldClaim) -> str:
    """The token of a link about a held mail. Whether it may still act is judged from the mail."""
    return str(_links(keys, "held").dumps([claim.mail, claim.person, claim.action.value]))


def read_held_token(keys: Keys, token: str) -> HeldClaim | None:
    """What a link about a held mail says, or None if we did not make it."""
    try:
        mail, person, action = _links(keys, "held").loads(token)
        claim = HeldClaim(int(mail), str(person), HeldAction(action))
    except (BadData, ValueError, TypeError):
        return None
    return claim if any(held_token((key,), claim) == token for key in keys) else None  # as for action links


def fields_token(keys: Keys, claim: FieldsClaim) -> str:
    """The token of a link to a form. It has no age: whether it may still act is judged from the ticket."""
    return str(_links(keys, "fields").dumps([claim.number, claim.person]))


def read_fields_token(keys: Keys, token: str) -> FieldsClaim | None:
    """What a link to a form says, or None if we did not make it."""
    try:
        number, person = _links(keys, "fields").loads(token)
        claim = FieldsClaim(int(number), str(person))
    except (BadData, ValueError, TypeError):
        return None
    return claim if any(fields_token((key,), claim) == token for key in keys) else None  # as for action links


def file_token(keys: Keys, claim: FileClaim) -> str:
    """The token of a file link, which says itself until when it is good."""
    content = [claim.message, claim.part, claim.person, int(claim.until.timestamp())]
    return str(_links(keys, "file").dumps(content))


def read_file_token(keys: Keys, token: str) -> FileClaim | None:
    """What a file link says, or None if we did not make it. Whether it is still good is for the caller to judge."""
    try:
        message, part, person, until = _links(keys, "file").loads(token)
        claim = FileClaim(int(message), int(part), str(person), datetime.fromtimestamp(until, UTC))
    except (BadData, ValueError, TypeError, OverflowError):
        return None
    return claim if any(file_token((key,), claim) == token for key in keys) else None  # as for action links


def language_token(keys: Keys, claim: LanguageClaim) -> str:
    """The token of a language link."""
    return str(_links(keys, "language").dumps([claim.person, claim.language]))


def read_language_token(keys: Keys, token: str) -> LanguageClaim | None:
    """What a language link says, or None if we did not make it."""
    try:
        person, language = _links(keys, "language").loads(token)
        claim = LanguageClaim(str(person), str(language))
    except (BadData, ValueError, TypeError):
        return None
    return claim if any(language_token((key,), claim) == token for key in keys) else None  # as for action links


def login_token(keys: Keys, claim: LoginClaim) -> str:
    """The token of a login link. How long it is good, and that it is used once, is judged where it is used."""
    content = [claim.person, claim.salt, int(claim.at.timestamp()), claim.number]
    return str(_links(keys, "login").dumps(content))


def read_login_token(keys: Keys, token: str) -> LoginClaim | None:
    """What a login link says, or None if we did not make it."""
    try:
        person, salt, at, number = _links(keys, "login").loads(token)
        claim = LoginClaim(str(person), str(salt), datetime.fromtimestamp(int(at), UTC), int(number))
    except (BadData, ValueError, TypeError, OverflowError):
        return None
    return claim if any(login_token((key,), claim) == token for key in keys) else None  # as for action links


def page_nonce(keys: Keys, token: str, salt: str, now: datetime) -> str:
    """The hidden field of a page's form: a MAC of token and time. `salt` is 16 characters a-z2-7, new for each page."""
    moment = int(now.timestamp())
    return f"{moment}.{salt}.{_code(keys[0], 'nonce', token, salt, moment)}"


def next_nonce(keys: Keys, token: str, nonce: str) -> str:
    """For the form on the page that a form with this nonce, which is one of ours, leads to.

    Always the same, as the page is when a form is sent twice. It ends with the first one.
    """
    salt = new_nonce(hashlib.sha256(nonce.encode()).digest())
    return page_nonce(keys, token, salt, datetime.fromtimestamp(int(nonce.partition(".")[0]), UTC))


def is_page_nonce(keys: Keys, token: str, nonce: str, now: datetime, max_age: timedelta) -> bool:
    """Did we put this nonce on a page of this token, not longer ago than `max_age`?"""
    match = _NONCE.fullmatch(nonce)
    if match is None or not _is_code(keys, match[3], "nonce", token, match[2], match[1]):
        return False
    # A clock that was set back must not lock people out: a nonce from our own future counts.
    return now.timestamp() - int(match[1]) <= max_age.total_seconds()


def new_nonce(entropy: bytes) -> str:
    """Sixteen characters a-z2-7 from ten random octets."""
    return base64.b32encode(entropy[:_CODE_OCTETS]).decode("ascii").lower()
