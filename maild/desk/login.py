"""Signing in to the portal without a password (SPEC section 11): a letter with a link, a session, its end."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from maild.core.effects import OPENED, Send
from maild.core.errors import BadLink, NotAllowed
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.robots import is_robot_address
from maild.core.tokens import LoginClaim, Purpose, is_page_nonce, login_token, new_nonce, read_login_token
from maild.desk.act import NONCE_AGE
from maild.desk.apply import queue_notice
from maild.desk.desk import Desk
from maild.desk.networks import network_of
from maild.store import muted, nonces, outbox, people, rates, sessions, unreachable
from maild.store.db import Tx

LOGIN_AGE = timedelta(minutes=15)
SESSION_AGE = timedelta(days=30)

_TRIES, _TRIES_IN = 5, timedelta(minutes=10)
_LETTERS, _LETTERS_TO_NEW, _LETTERS_IN = 3, 60, timedelta(hours=1)
_TO_NEW = "login letters to addresses never seen"


@dataclass(frozen=True, slots=True)
class LoginView:
    """What a login link can do now. `is_good`: it has not been used, and its time is not over."""

    claim: LoginClaim
    is_good: bool
    language: str


async def ask_to_enter(desk: Desk, address: str, client: str, language: str, number: int = 0, asks: str = "") -> bool:
    """Somebody types an address to sign in with; False if that is tried too often.

    The answer is the same, and takes as long, whether the address is known or not, and whether a letter is written or
    not. `language` is that of the page, for who has none; `number` is the ticket that is wanted; `asks` is the key of
    the category of a question that waits for him.
    """
    may_try = await desk.store.run(_ask, desk, address, client, language, number, asks)
    desk.wake.letters.set()
    return may_try


def _ask(tx: Tx, desk: Desk, address: str, client: str, language: str, number: int, asks: str) -> bool:
    tx.wait_turn("login")
    now = desk.now()
    tries = [_tries_of(address), _tries_from(client)]
    if any(rates.count(tx, key, now - _TRIES_IN) >= _TRIES for key in tries):
        return False
    for key in tries:
        rates.add(tx, key, now)
    if _may_write(tx, desk, address):
        _write(tx, desk, address, people.languages(tx, [address]).get(address, language), number, asks)
    return True


def _tries_of(address: str) -> str:
    return f"login of {address}"


def _tries_from(client: str) -> str:
    return f"login from {network_of(client)}"


def _may_write(tx: Tx, desk: Desk, address: str) -> bool:
    """The budgets of SPEC section 6. All questions are asked of every address, so that each takes the same time."""
    since, key, is_known = desk.now() - _LETTERS_IN, f"login letter to {address}", people.is_known(tx, address)
    may = [
        rates.count(tx, key, since) < _LETTERS,
        rates.count(tx, _TO_NEW, since) < _LETTERS_TO_NEW or is_known,
        not muted.has(tx, address, desk.now()),
        not unreachable.has(tx, address),
        not desk.policy.is_desk_address(address),
        not is_robot_address(address),
    ]
    if not all(may):
        return False
    rates.add(tx, key, desk.now())
    if not is_known:
        rates.add(tx, _TO_NEW, desk.now())
    return True


def _write(tx: Tx, desk: Desk, address: str, language: str, number: int, asks: str) -> None:
    salt = new_nonce(secrets.token_bytes(10))
    send = Send(
        letter=Letter.LOGIN,
        ticket=OPENED,
        to=Mailbox("", address),
        purpose=Purpose.CUSTOMER,
        language=language,
        context={"category": desk.policy.default_category, "salt": salt, "number": number, "asks": asks},
    )
    queue_notice(tx, desk, send, desk.now())


def login_url(desk: Desk, row: outbox.Letter) -> str:
    """The one link of a login letter; "" for any other. Nothing of it is stored: it is signed when it is written."""
    if row.letter != Letter.LOGIN:
        return ""
    claim = LoginClaim(row.to_address, str(row.context["salt"]), row.created_at, int(row.context["number"]))
    return f"{desk.policy.public_url}/login/{login_token(desk.keys, claim)}"


async def look_at_login(desk: Desk, token: str) -> LoginView:
    """What a login link can do; changes nothing. Raises BadLink for a token that is none of ours."""
    return await desk.store.read(_look, desk, token)


def _look(tx: Tx, desk: Desk, token: str) -> LoginView:
    claim = read_login_token(desk.keys, token)
    if claim is None:
        raise BadLink("no such page")
    is_used = nonces.is_used(tx, _mark(claim))
    is_good = not is_used and desk.now() - claim.at <= LOGIN_AGE
    return LoginView(claim, is_good, people.languages(tx, [claim.person]).get(claim.person, ""))


def _mark(claim: LoginClaim) -> str:
    return f"login {claim.salt}"


async def enter(desk: Desk, token: str, nonce: str, client: str) -> tuple[str, LoginView]:
    """Use a login link up: the secret of a new session, "" if the link is used or too old.

    Whoever gets in has not been guessing: his tries do not count, and those behind one address have theirs.
    Raises BadLink for a foreign token, NotAllowed for a nonce that its page was not given.
    """
    return await desk.store.run(_enter, desk, token, nonce, client)


def _enter(tx: Tx, desk: Desk, token: str, nonce: str, client: str) -> tuple[str, LoginView]:
    view, now = _look(tx, desk, token), desk.now()
    if not is_page_nonce(desk.keys, token, nonce, now, NONCE_AGE):
        raise NotAllowed("this form is not from this page")
    if not view.is_good or not nonces.use(tx, _mark(view.claim), now):
        return "", view
    rates.take_back(tx, _tries_of(view.claim.person), _tries_from(client))
    secret = secrets.token_urlsafe(32)
    sessions.begin(tx, session_id(secret), view.claim.person, now, now + SESSION_AGE)
    return secret, view


def session_id(secret: str) -> str:
    """What is stored of a session's secret."""
    return sha256(secret.encode()).hexdigest()


async def leave(desk: Desk, session: str, person: str, *, everywhere: bool) -> None:
    """Sign out: this browser, or all of this person's."""
    if everywhere:
        await desk.store.run(sessions.end_all, person)
    else:
        await desk.store.run(sessions.end, session)
