"""The page of a language link: looking changes nothing, pressing switches once."""

import pytest

from maild.core.tokens import Action, LanguageClaim, derive_keys, language_token
from maild.store import people
from tests.web.clock import dump
from tests.web.conftest import CUSTOMER, Pages
from tests.web.test_actions import Form

BUTTONS = {"ru": "Пишите мне по-русски", "en": "Write to me in English"}
OFFERS = {"ru": "Письма на русском", "en": "Letters in English"}


def link(pages: Pages, language: str, person: str = CUSTOMER.address) -> str:
    return f"/l/{language_token(pages.desk.keys, LanguageClaim(person, language))}"


def stored(pages: Pages) -> str:
    return pages.desk.store.read_now(people.languages, [CUSTOMER.address]).get(CUSTOMER.address, "")


@pytest.mark.parametrize(("language", "other"), [("ru", "en"), ("en", "ru")])
def test_the_page_speaks_the_language_it_offers_and_links_to_the_other(pages: Pages, language: str, other: str) -> None:
    before = dump(pages.desk.store)
    for method in ("GET", "HEAD"):
        assert pages.client.ask(method, link(pages, language)).status == 200
    page = pages.client.get(link(pages, language)).text
    assert dump(pages.desk.store) == before
    form = Form(page)
    assert f'<html lang="{language}"' in page
    assert CUSTOMER.address in page
    assert form.all("form") == [{"method": "post"}]
    assert [(one["type"], one["name"]) for one in form.all("input")] == [("hidden", "nonce")]
    assert f">{BUTTONS[language]}</button>" in page
    [reached] = form.all("a")
    assert f">{OFFERS[other]}</a>" in page
    assert f">{BUTTONS[other]}</button>" in pages.client.get(str(reached["href"])).text


def test_pressing_switches_once_and_says_so(pages: Pages) -> None:
    number = pages.open_ticket()
    english, russian = link(pages, "en"), link(pages, "ru")
    nonce = pages.nonce(english)
    done = pages.client.post(english, nonce=nonce)
    assert (done.status, stored(pages), "<form" in done.text) == (200, "en", False)
    assert "are in English." in done.text
    assert '<html lang="en"' in pages.client.get(pages.link(number, Action.SOLVED)).text

    pages.client.post(russian, nonce=pages.nonce(russian))
    assert stored(pages) == "ru"
    again = pages.client.post(english, nonce=nonce)
    assert (again.status, stored(pages)) == (200, "ru"), "a nonce acts once"
    assert f">{BUTTONS['en']}</button>" in again.text


def test_a_missing_or_foreign_nonce_is_refused(pages: Pages) -> None:
    english, russian = link(pages, "en"), link(pages, "ru")
    before = dump(pages.desk.store)
    for nonce in ("", pages.nonce(russian), "x"):
        answer = pages.client.post(english, nonce=nonce)
        assert (answer.status, '<html lang="en"' in answer.text) == (403, True)
    assert dump(pages.desk.store) == before


def test_altered_and_foreign_tokens_and_languages_that_are_not_there_are_not_found(pages: Pages) -> None:
    path = link(pages, "en")
    keys = derive_keys([b"another secret that is long enough"])
    foreign = language_token(keys, LanguageClaim(CUSTOMER.address, "en"))
    action = pages.link(pages.open_ticket(), Action.SOLVED).removeprefix("/a/")
    altered = [path[:i] + ("A" if path[i] != "A" else "B") + path[i + 1 :] for i in range(3, len(path), 7)]
    for wrong in [*altered, f"/l/{foreign}", f"/l/{action}", link(pages, "de"), path.replace("/l/", "/a/"), "/l/"]:
        assert pages.client.get(wrong).status == 404, wrong
        assert pages.client.post(wrong, nonce="x").status == 404, wrong
