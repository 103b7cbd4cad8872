"""Pages about held mail: looking changes nothing, pressing acts once, altered tokens lead nowhere (SPEC section 10)."""

import re

import pytest

from maild.core.mail import Mailbox
from maild.core.tokens import HeldAction, HeldClaim, held_token
from maild.desk.accept import accept
from maild.desk.receive import receive_waiting
from maild.store import ledger
from tests.values import make_envelope
from tests.web.clock import dump
from tests.web.conftest import Pages, wait_for
from tests.web.test_actions import Form

TEAM = "billing-team@office.example"
BOSS = Mailbox("", "boss@client.example")
RAW = (
    f"From: {BOSS.address}\r\nTo: billing@desk.example\r\nSubject: <b>Отпуск</b>\r\nMessage-ID: <1@client.example>\r\n"
    "Auto-Submitted: auto-replied\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n<script>Меня нет</script>\r\n"
).encode()


@pytest.fixture
def mail(pages: Pages) -> int:
    """An out-of-office mail that belongs to no ticket."""
    number = wait_for(accept(pages.desk, RAW, make_envelope(mail_from=BOSS.address, received_at=pages.clock())))
    wait_for(receive_waiting(pages.desk))
    assert state(pages, number) == "held"
    return number


def state(pages: Pages, mail: int) -> str:
    row = pages.desk.store.read_now(ledger.row, mail)
    assert row is not None
    return row.state


def link(pages: Pages, mail: int, action: HeldAction, person: str = TEAM) -> str:
    return f"/a/{held_token(pages.desk.keys, HeldClaim(mail, person, action))}"


@pytest.mark.parametrize("action", [HeldAction.RELEASE, HeldAction.DROP])
def test_looking_shows_the_mail_and_one_form_and_changes_nothing(pages: Pages, mail: int, action: HeldAction) -> None:
    before = dump(pages.desk.store)
    answer = pages.client.get(link(pages, mail, action))
    form = Form(answer.text)
    assert answer.status == 200
    assert form.all("form") == [{"method": "post"}]
    assert [(one["type"], one["name"]) for one in form.all("input")] == [("hidden", "nonce")]
    assert len(form.all("button")) == 1
    assert "&lt;script&gt;Меня нет" in answer.text
    assert "&lt;b&gt;Отпуск&lt;/b&gt;" in answer.text
    assert "default-src 'none'" in answer.fields["Content-Security-Policy"]
    assert answer.fields["Referrer-Policy"] == "no-referrer"
    others = [str(one["href"]) for one in form.all("a")]
    assert [pages.client.get(other).status for other in others] == [200]
    assert pages.client.ask("HEAD", link(pages, mail, action)).status == 200
    assert dump(pages.desk.store) == before


def test_the_link_to_read_has_no_form_but_leads_to_those_that_have(pages: Pages, mail: int) -> None:
    page = pages.client.get(link(pages, mail, HeldAction.SHOW)).text
    assert Form(page).all("form") == []
    assert len(Form(page).all("a")) == 2


def test_pressing_acts_once(pages: Pages, mail: int) -> None:
    path = link(pages, mail, HeldAction.DROP)
    nonce = pages.nonce(path)
    first, second = pages.client.post(path, nonce=nonce), pages.client.post(path, nonce=nonce)
    assert (first.status, second.status) == (200, 200)
    assert "отклонено" in first.text
    assert re.sub(r"nonce.*", "", first.text) == re.sub(r"nonce.*", "", second.text)
    assert state(pages, mail) == "done"
    assert "Меня нет" not in first.text, "nobody has to read it any more"
    late = link(pages, mail, HeldAction.RELEASE)
    assert Form(pages.client.get(late).text).all("form") == []


@pytest.mark.parametrize("nonce", ["", "1.aaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaa"])
def test_a_missing_or_foreign_nonce_is_refused(pages: Pages, mail: int, nonce: str) -> None:
    for fields in ({"nonce": nonce}, {"nonce": pages.nonce(link(pages, mail, HeldAction.RELEASE))}):
        assert pages.client.post(link(pages, mail, HeldAction.DROP), **fields).status == 403
    assert state(pages, mail) == "held"


def test_altered_foreign_and_void_tokens_lead_nowhere(pages: Pages, mail: int) -> None:
    good = link(pages, mail, HeldAction.DROP)
    missing = pages.client.get("/a/nothing")
    paths = [good[:-1], good + "A", link(pages, 99, HeldAction.DROP), link(pages, mail, HeldAction.DROP, BOSS.address)]
    for path in paths:
        answer = pages.client.get(path)
        assert (answer.status, answer.text) == (404, missing.text)
        assert pages.client.post(path, nonce="x").status == 404
