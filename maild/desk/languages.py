"""The language a customer is written to in: the links in his letters that change it, and what they do."""

from dataclasses import dataclass

from maild.core.errors import BadLink, NotAllowed
from maild.core.rights import Actor, Right, Standing, authorise
from maild.core.tokens import LanguageClaim, is_page_nonce, language_token, read_language_token
from maild.desk.act import NONCE_AGE
from maild.desk.desk import Desk
from maild.store import nonces, people
from maild.store.db import Tx


@dataclass(frozen=True, slots=True)
class LanguageView:
    """What a language link shows. `is_done`: that language is his already."""

    claim: LanguageClaim
    is_done: bool
    others: list[dict[str, str]]


def language_links(desk: Desk, person: str, language: str) -> list[dict[str, str]]:
    """For each language but this one: its code, the offer in its own words, and the page; none without web pages."""
    if not desk.policy.public_url:
        return []
    found = _links(desk, person, language)
    return [{**one, "url": f"{desk.policy.public_url}{one['url']}"} for one in found]


def _links(desk: Desk, person: str, but: str) -> list[dict[str, str]]:
    return [
        {
            "language": language,
            "label": desk.renderer.language_offer(language),
            "url": f"/l/{language_token(desk.keys, LanguageClaim(person, language))}",
        }
        for language in desk.renderer.languages
        if language != but
    ]


async def look_language(desk: Desk, token: str) -> LanguageView:
    """The state behind a language link; changes nothing. Raises BadLink for a token that is none of ours."""
    return await desk.store.read(_look, desk, token)


def _look(tx: Tx, desk: Desk, token: str) -> LanguageView:
    claim = _claimed(desk, token)
    is_done = people.languages(tx, [claim.person]).get(claim.person) == claim.language
    return LanguageView(claim, is_done, _links(desk, claim.person, claim.language))


def _claimed(desk: Desk, token: str) -> LanguageClaim:
    """Signed by us, for a language that there still is."""
    claim = read_language_token(desk.keys, token)
    if claim is None or claim.language not in desk.renderer.languages:
        raise BadLink("no such page")
    return claim


async def switch_language(desk: Desk, token: str, nonce: str) -> LanguageView:
    """Press the button of a language page. Pressed again, it changes nothing and shows the same.

    Raises BadLink for a foreign token, NotAllowed for a nonce that this page was not given.
    """
    return await desk.store.run(_switch, desk, token, nonce)


def _switch(tx: Tx, desk: Desk, token: str, nonce: str) -> LanguageView:
    claim, now = _claimed(desk, token), desk.now()
    authorise(Actor(claim.person, Standing.CONFIRMED), Right.CHOOSE, "", None, desk.policy)
    if not is_page_nonce(desk.keys, token, nonce, now, NONCE_AGE):
        raise NotAllowed("this form is not from this page")
    if nonces.use(tx, nonce, now):
        people.choose(tx, claim.person, claim.language)
    return _look(tx, desk, token)


async def choose_language(desk: Desk, person: str, language: str) -> None:
    """Somebody who is signed in chooses his language. Raises NotAllowed for one that there is not."""
    await desk.store.run(_choose, desk, person, language)


def _choose(tx: Tx, desk: Desk, person: str, language: str) -> None:
    authorise(Actor(person, Standing.CONFIRMED), Right.CHOOSE, "", None, desk.policy)
    if language not in desk.renderer.languages:
        raise NotAllowed("there is no such language")
    people.choose(tx, person, language)
