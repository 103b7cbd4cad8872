"""Action links: looking changes nothing, pressing acts once, and today's state decides (SPEC section 10)."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from maild.core.tokens import Action, Claim, action_token, derive_keys
from tests.web.clock import dump
from tests.web.conftest import CUSTOMER, NONCE, Pages
from tests.web.serving import Answer

THANKS = "Спасибо, проблема решена"
CONTINUE = "Проблема не решена, продолжить общение"


class Form(HTMLParser):
    """The forms, buttons, inputs and links of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def is_done(answer: Answer) -> bool:
    return answer.status == 200 and "<form" not in answer.text


def without_nonce(answer: Answer) -> str:
    return NONCE.sub("", answer.text)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing(pages: Pages, action: Action, method: str) -> None:
    link = pages.link(pages.solved_ticket(), action)
    before = dump(pages.desk.store)
    for _ in range(5):
        answer = pages.client.ask(method, link)
        assert answer.status == 200
        assert bool(answer.body) == (method == "GET")
        assert int(answer.fields["Content-Length"]) > 500
    assert dump(pages.desk.store) == before


@pytest.mark.parametrize(("action", "label", "other"), [("solved", THANKS, CONTINUE), ("continue", CONTINUE, THANKS)])
def test_an_action_page_shows_the_ticket_one_button_and_a_link_to_the_other(
    pages: Pages, action: str, label: str, other: str
) -> None:
    number = pages.solved_ticket()
    page = pages.client.get(pages.link(number, Action(action))).text
    form = Form(page)
    assert form.all("form") == [{"method": "post"}]
    assert [(one["type"], one["name"]) for one in form.all("input")] == [("hidden", "nonce")]
    assert f">{label}</button>" in page
    assert len(form.all("button")) == 1
    assert f"[#{number}] Счёт &lt;за&gt; ноябрь" in page
    assert "Проблема решена" in page
    [link] = form.all("a")
    assert f">{other}</a>" in page
    reached = pages.client.get(str(link["href"]))
    assert reached.status == 200
    assert f">{other}</button>" in reached.text


def test_pressing_continue_opens_the_ticket_again_once(pages: Pages) -> None:
    number = pages.solved_ticket()
    link = pages.link(number, Action.CONTINUE)
    first, second = pages.nonce(link), pages.nonce(link)
    assert first != second

    done = pages.client.post(link, nonce=first)
    assert done.status == 200
    assert "снова в работе" in done.text
    assert pages.status(number) == "open"
    assert pages.events(number)[-1] == ("reopened", CUSTOMER.address, "http", "by_link")

    before = dump(pages.desk.store)
    assert pages.client.post(link, nonce=first).body == done.body, "the same nonce again"
    assert dump(pages.desk.store) == before
    assert without_nonce(pages.client.post(link, nonce=second)) == without_nonce(done), "a nonce not used before"
    after = dump(pages.desk.store)
    assert len(after.pop("nonces")) == len(before.pop("nonces")) + 1
    assert after == before
    again = pages.client.get(link)
    assert is_done(again)
    assert "снова в работе" in again.text


def test_pressing_thanks_confirms_once_and_leaves_the_deadline(pages: Pages) -> None:
    number = pages.solved_ticket()
    link, events = pages.link(number, Action.SOLVED), len(pages.events(number))
    assert is_done(pages.client.post(link, nonce=pages.nonce(link)))
    assert [event[0] for event in pages.events(number)[events:]] == ["confirmed"]
    page = pages.client.get(link).text
    assert "<form" not in page
    assert "Отмечено, что проблема решена" in page
    assert pages.link(number, Action.CONTINUE) in page, "also after one has confirmed"


def test_a_customer_may_change_his_mind_as_often_as_he_likes(pages: Pages) -> None:
    number = pages.open_ticket()
    for action, status in [("solved", "solved"), ("continue", "open"), ("solved", "solved"), ("continue", "open")]:
        link = pages.link(number, Action(action))
        assert pages.client.post(link, nonce=pages.nonce(link)).status == 200
        assert pages.status(number) == status


def test_a_used_nonce_does_not_act_when_the_state_has_changed_since(pages: Pages) -> None:
    number = pages.solved_ticket()
    again, thanks = pages.link(number, Action.CONTINUE), pages.link(number, Action.SOLVED)
    used = pages.nonce(again)
    pages.client.post(again, nonce=used)
    pages.client.post(thanks, nonce=pages.nonce(thanks))
    assert pages.status(number) == "solved"
    answer = pages.client.post(again, nonce=used)
    assert (answer.status, pages.status(number)) == (200, "solved")
    assert f">{CONTINUE}</button>" in answer.text, "it may be done again, with a new press"


def test_a_missing_foreign_altered_or_old_nonce_is_refused(pages: Pages) -> None:
    number = pages.solved_ticket()
    link = pages.link(number, Action.CONTINUE)
    own, foreign = pages.nonce(link), pages.nonce(pages.link(number, Action.SOLVED))
    before = dump(pages.desk.store)
    for nonce in ("", foreign, own[:-1] + ("a" if own[-1] != "a" else "b"), f"1{own}", "ы" * 300, "\0"):
        assert pages.client.post(link, nonce=nonce).status == 403, nonce
    assert pages.client.ask("POST", link, f"nonce={own}".encode()).status == 403, "no form"
    multipart = f'--x\r\nContent-Disposition: form-data; name="nonce"\r\n\r\n{own}\r\n--x--\r\n'.encode()
    fields = {"Content-Type": "multipart/form-data; boundary=x"}
    assert pages.client.ask("POST", link, multipart, fields).status == 403, "another kind of form"
    pages.clock.forward(timedelta(days=2, seconds=1))
    assert pages.client.post(link, nonce=own).status == 403, "too old"
    assert dump(pages.desk.store) == before
    assert "Откройте ссылку из письма" in pages.client.post(link, nonce="").text


def test_a_form_that_is_too_large_is_not_read(pages: Pages) -> None:
    link = pages.link(pages.solved_ticket(), Action.CONTINUE)
    before = dump(pages.desk.store)
    assert pages.client.post(link, nonce="n" * 270_000).status == 413
    assert dump(pages.desk.store) == before


def test_every_token_that_is_none_of_ours_gets_the_same_page(pages: Pages) -> None:
    number = pages.solved_ticket()
    token = pages.link(number, Action.CONTINUE).removeprefix("/a/")
    forged = action_token(
        derive_keys([b"another secret that is long enough"]), Claim(number, CUSTOMER.address, Action.SOLVED)
    )
    stranger = pages.link(number, Action.CONTINUE, "eve@firma.example")
    unknown = pages.link(number + 1, Action.CONTINUE)
    letters = range(0, len(token), 7)
    altered = [f"/a/{token[:i]}{'A' if token[i] != 'A' else 'B'}{token[i + 1 :]}" for i in letters]
    paths = [*altered, f"/a/{token[:-1]}", f"/a/{token}/", f"/a/{forged}", stranger, unknown, "/a/x", "/a/", "/a"]
    answers = [pages.client.get(path) for path in paths]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.body for answer in answers}) == 1
    posted = [pages.client.post(path, nonce="x") for path in paths]
    assert {(answer.status, answer.body) for answer in posted} == {(404, answers[0].body)}


def test_until_the_deadline_the_link_acts_and_from_then_on_it_says_so(pages: Pages) -> None:
    early, late = pages.solved_ticket(), pages.solved_ticket()
    link, too_late = pages.link(early, Action.CONTINUE), pages.link(late, Action.CONTINUE)
    pages.clock.forward(timedelta(hours=48) - timedelta(microseconds=1))
    nonce, last = pages.nonce(link), pages.nonce(too_late)
    assert pages.client.post(link, nonce=nonce).status == 200
    assert pages.status(early) == "open"

    pages.clock.forward(timedelta(microseconds=1))
    events = pages.events(late)
    for answer in (pages.client.get(too_late), pages.client.post(too_late, nonce=last)):
        assert is_done(answer)
        assert "возобновить его уже нельзя" in answer.text
        assert "mailto:billing@desk.example" in answer.text
        assert "до среды, 25 ноября 2026 г., 14:05" in answer.text.replace("\N{NO-BREAK SPACE}", " ")
    assert (pages.status(late), pages.events(late)) == ("solved", events)
    assert "<form" not in pages.client.get(pages.link(late, Action.SOLVED)).text


def test_pages_speak_the_language_of_the_person(pages: Pages) -> None:
    number = pages.solved_ticket()
    pages.desk.store.run_now(
        lambda tx: tx.run("INSERT INTO people (address, language) VALUES (?, 'en')", CUSTOMER.address)
    )
    link = pages.link(number, Action.CONTINUE)
    page = pages.client.get(link).text
    assert '<html lang="en"' in page
    assert ">The problem is not solved, continue</button>" in page
    assert ">Thank you, the problem is solved</a>" in page
    assert "Problem solved" in page
    assert '<html lang="en"' in pages.client.post(link, nonce="").text
    assert re.search("Open|In progress", pages.client.post(link, nonce=pages.nonce(link)).text)


def test_when_the_database_cannot_answer_the_page_asks_to_come_back(pages: Pages) -> None:
    number = pages.solved_ticket()
    link = pages.link(number, Action.CONTINUE)
    nonce = pages.nonce(link)
    pages.desk.store.run_now(lambda tx: tx.run("ALTER TABLE nonces RENAME TO gone"))
    answer = pages.client.post(link, nonce=nonce)
    assert (answer.status, answer.fields["Retry-After"]) == (503, "30")
    assert "ничего не изменилось" in answer.text
    assert pages.status(number) == "solved"
    pages.desk.store.run_now(lambda tx: tx.run("ALTER TABLE tickets RENAME TO gone_too"))
    assert pages.client.get(link).status == 503
