"""«Задать вопрос» in the browser: steps, one ticket for a form, files, mistakes, and who has to sign in first."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from maild.core.errors import StoreBusy
from maild.core.policy import Field, Text
from maild.desk.desk import Desk
from maild.mime.attach import cut
from maild.mime.render import templates_dir
from maild.store import ledger, lists
from maild.web import uploads
from maild.web.app import web_app
from maild.web.uploads import Limits
from tests.factory import make_desk
from tests.servers import until
from tests.web.asking import BOUNDARY, hidden, multipart, send, with_topics
from tests.web.clock import StillClock, dump
from tests.web.conftest import CUSTOMER, Pages
from tests.web.portal import Browser, login_letter, login_links, signed_in
from tests.web.serving import Client, listen, local_hosts, serving

IVAN = CUSTOMER.address
REFUND = {
    **{"category": "billing", "topic": "refund", "f-contract": "1 017"},
    "words": "Верните деньги.\r\n\r\n```\r\n  a\r\n```",
}
LIMIT = 300_000


@pytest.fixture
def desk(tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with make_desk(tmp_path, now=clock) as made:
        made.policy = with_topics(made.policy)
        yield made


@pytest.fixture
def pages(desk: Desk, clock: StillClock, tmp_path: Path) -> Iterator[Pages]:
    bound = listen()
    app = web_app(desk, local_hosts(bound), templates_dir() / "static", (), Limits(LIMIT, tmp_path))
    with serving(app, bound):
        yield Pages(desk, clock, Client(bound.getsockname()[1]))


def asked(portal: Pages) -> list[tuple[object, ...]]:
    return portal.desk.store.read_now(
        lambda tx: tx.all("SELECT number, subject, category, topic, status, fields FROM tickets ORDER BY number")
    )


def test_a_form_sent_twice_is_one_ticket_with_fields_text_and_files(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, IVAN)
    page = browser.get("/ask")
    assert page.status == 200
    files = [("счёт.pdf", b"%PDF-\0\xff"), ("../../etc/passwd", b"x" * 5000)]
    answers = [send(browser, page, REFUND, files) for _ in range(2)]
    assert [(one.status, one.fields["Location"]) for one in answers] == [(303, "/t/1?note=created")] * 2
    fields = json.dumps({"contract": "1017"})
    assert asked(portal) == [(1, "Верните деньги.", "billing", "refund", "new", fields)]
    [message] = portal.desk.store.read_now(lists.messages_of, 1)
    assert message.text.rstrip() == "Верните деньги.\n\n```\n  a\n```"
    assert [(one.name, one.size) for one in message.attachments] == [("счёт.pdf", 7), ("passwd", 5000)]
    raw = portal.desk.store.read_now(ledger.raw, 1) or b""
    assert cut(raw, message.attachments[0].part) == b"%PDF-\0\xff"
    assert portal.events(1) == [("opened", IVAN, "portal", "new question")]
    [row] = portal.desk.store.read_now(ledger.rows)
    assert (row.door, row.trust) == ("portal", "verified")
    assert "Ваша заявка передана" in browser.get("/t/1?note=created").text


def test_a_form_whose_files_waited_in_a_draft_is_one_ticket_however_often_it_is_sent(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, IVAN)
    for number, words in enumerate(("Верните деньги.", ""), 1):
        values = {**REFUND, "words": words}
        wrong = send(browser, browser.get("/ask"), {**values, "f-contract": "семь"}, [("a.txt", b"12")])
        assert wrong.status == 422
        answers = [send(browser, wrong, values) for _ in range(3)]
        assert [one.fields["Location"] for one in answers] == [f"/t/{number}?note=created"] * 3
    assert len(asked(portal)) == 2
    assert send(browser, wrong, {**REFUND, "words": "Ещё"}).fields["Location"] == "/t/3?note=created", "other words"


def test_the_steps_without_script_carry_everything_along(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, IVAN)
    page = browser.get("/ask")
    assert 'name="step"' in page.text
    page = send(browser, page, {"category": "billing", "step": "topic"})
    assert '<option value="refund">' in page.text
    page = send(browser, page, {"category": "billing", "topic": "refund", "step": "card"})
    assert 'name="f-contract"' in page.text
    page = send(
        browser, page, {"category": "tech", "f-contract": "17", "words": "Всё пропало", "step": "card"}, [("a", b"1")]
    )
    assert hidden(page)["f-contract"] == "17", "kept for who comes back to that topic"
    assert ">Всё пропало</textarea>" in page.text.replace("\n", "")
    assert asked(portal) == []
    assert send(browser, page, {"category": "tech", "words": "Всё пропало"}).status == 303
    assert [one[1:4] for one in asked(portal)] == [("Всё пропало", "tech", "")]
    [message] = portal.desk.store.read_now(lists.messages_of, 1)
    assert [one.name for one in message.attachments] == ["a"]
    assert "Уже приложено" not in browser.get("/ask").text, "the draft is gone"


def test_mistakes_stand_beside_their_fields_and_nothing_is_lost(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, IVAN)
    wrong = send(browser, browser.get("/ask"), {**REFUND, "f-contract": "семь", "words": "<b>"}, [("a.txt", b"12")])
    assert wrong.status == 422
    assert "Нужно число" in wrong.text
    assert 'value="семь"' in wrong.text
    assert "&lt;b&gt;" in wrong.text
    empty = send(browser, wrong, {"category": "", "topic": "", "words": ""})
    assert "Выберите категорию" in empty.text
    kept = browser.get("/ask")
    assert "a.txt" in kept.text, "also for who comes back later"
    done = send(browser, kept, {**REFUND, "drop": "1"}, [("b.txt", b"3")])
    assert done.status == 303
    [message] = portal.desk.store.read_now(lists.messages_of, 1)
    assert [one.name for one in message.attachments] == ["b.txt"]


def test_too_much_is_told_and_the_text_stays(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, IVAN)
    page = browser.get("/ask")
    values = {"category": "tech", "words": "Мой текст"}
    for files in ([("big", b"x" * (LIMIT + 1))], [("huge", b"x" * 2_000_000)]):
        answer = send(browser, page, values, files)
        assert (answer.status, "вместе они больше" in answer.text, "Мой текст" in answer.text) == (413, True, True)
    many = send(browser, page, values, [(f"{n}.txt", b"1") for n in range(101)])
    assert (many.status, "больше ста" in many.text, "Мой текст" in many.text) == (422, True, True)
    long = send(browser, page, {"category": "tech", "words": "ы" * 40_000})
    assert (long.status, "до 64 КБ" in long.text) == (422, True)
    longest = send(browser, page, {"category": "tech", "words": "Начало" + "ы" * 200_000}, [("a", b"1")])
    assert (longest.status, "Начало" in longest.text, len(longest.body) < 400_000) == (413, True, True)
    hundred = send(browser, page, values, [(f"{n}.txt", b"1") for n in range(100)])
    assert hundred.status == 303
    [message] = portal.desk.store.read_now(lists.messages_of, 1)
    assert len(message.attachments) == 100


def test_files_on_their_way_lie_beside_the_database_and_nowhere_else(
    portal: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    bound, folder = listen(), tmp_path / "state"
    folder.mkdir()
    app = web_app(portal.desk, local_hosts(bound), templates_dir() / "static", (), Limits(LIMIT * 5, folder))
    with serving(app, bound):
        browser = signed_in(portal.desk, Client(bound.getsockname()[1]), IVAN)
        values = {"category": "tech", "words": "Мой текст"}
        assert send(browser, browser.get("/ask"), values, [("a.bin", b"x" * 300_000)]).status == 303
    assert list(folder.iterdir()) == [], "they have no names: a crash leaves none"


def test_a_full_disk_takes_no_files_and_keeps_the_text(portal: Pages, tmp_path: Path) -> None:
    bound = listen()
    app = web_app(portal.desk, local_hosts(bound), templates_dir() / "static", (), Limits(10**15, tmp_path))
    with serving(app, bound):
        browser = signed_in(portal.desk, Client(bound.getsockname()[1]), IVAN)
        values = {"category": "tech", "words": "Мой текст"}
        answer = send(browser, browser.get("/ask"), values, [("a.txt", b"12")])
        assert (answer.status, "мало места" in answer.text, "Мой текст" in answer.text) == (503, True, True)
        assert send(browser, answer, values).status == 303, "words need no room"


def test_what_cannot_be_kept_stays_on_the_page(portal: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*_: object) -> None:
        raise StoreBusy("busy")

    browser = signed_in(portal.desk, portal.client, IVAN)
    page = browser.get("/ask")
    values, files = {"category": "billing", "words": "Мой текст"}, [("a.txt", b"12")]
    with monkeypatch.context() as patch:
        patch.setattr("maild.web.ask.keep", busy)
        answer = send(browser, page, values, files)
        assert (answer.status, "Мой текст" in answer.text) == (503, True)
    monkeypatch.setattr("maild.desk.drafts._MOST", 0)
    full = send(browser, page, values, files)
    assert (full.status, "негде сохранить" in full.text, "Мой текст" in full.text) == (503, True, True)


def test_one_client_sends_four_large_forms_at_once(portal: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_LARGE", 4000)
    browser = signed_in(portal.desk, portal.client, IVAN)
    page, head = browser.get("/ask"), f"POST /ask HTTP/1.1\r\nHost: 127.0.0.1:{portal.client.port}\r\n"
    kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: 1200000\r\n\r\n--{BOUNDARY}"
    with ExitStack() as stack:
        for _ in range(4):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", portal.client.port)))
            slow.sendall(f"{head}{kind}".encode())

        def is_refused() -> bool:
            answer = send(browser, page, {"category": "tech", "words": "Мой текст"}, [("a", b"x" * 5000)])
            return answer.status == 503 and "Мой текст" in answer.text

        until(is_refused, "four are on their way")


def test_support_is_told_that_it_cannot_ask_itself(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, "billing-team@office.example")
    answer = send(browser, browser.get("/ask"), REFUND)
    assert (answer.status, "принадлежит поддержке" in answer.text, asked(portal)) == (403, True, [])


def test_a_thread_shows_the_dates_of_its_card_as_people_write_them(portal: Pages) -> None:
    nothing = Text("", "")
    [billing, tech] = portal.desk.policy.categories
    dated = Field("paid", Text("Оплачено", "Paid"), "date", False, (), "", nothing)
    topic = replace(billing.topics[0], fields=(*billing.topics[0].fields, dated))
    portal.desk.policy = replace(portal.desk.policy, categories=(replace(billing, topics=(topic,)), tech))
    browser = signed_in(portal.desk, portal.client, IVAN)
    answer = send(browser, browser.get("/ask"), {**REFUND, "f-paid": "2026-11-01"})
    assert "<dd>1\u00a0ноября 2026\u00a0г.</dd>" in browser.get(answer.fields["Location"]).text


def test_words_that_nobody_can_see_are_none(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, IVAN)
    answer = send(browser, browser.get("/ask"), {"category": "tech", "words": " \u200b\u2060\ufeff\n"})
    assert (answer.status, asked(portal)) == (422, [])


def test_a_form_from_elsewhere_sends_nothing(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, IVAN)
    page = browser.get("/ask")
    state = asked(portal)
    answer = send(browser, page, {**REFUND, "nonce": "1.aaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaa"})
    assert (answer.status, "Верните деньги." in answer.text) == (403, True)
    assert send(browser, answer, REFUND, []).status == 303, "the page that came has a good one"
    assert len(asked(portal)) == len(state) + 1


def test_who_is_not_signed_in_confirms_his_address_first(portal: Pages) -> None:
    stranger = signed_in(portal.desk, portal.client, IVAN)
    stranger.cookies.clear()
    page = stranger.get("/ask")
    assert send(stranger, page, {**REFUND, "email": "eve"}, [("a.txt", b"12")]).status == 422
    before = dump(portal.desk.store)
    sent = send(stranger, page, {**REFUND, "email": "Eve@Firma.example"}, [("a.txt", b"12")])
    assert (sent.status, "Ваш вопрос сохранён" in sent.text) == (200, True)
    after = dump(portal.desk.store)
    assert (after["mails"], after["tickets"]) == (before["mails"], before["tickets"]), "nobody hears of it yet"
    letter = login_letter(portal.desk, "eve@firma.example")
    assert "Ваш вопрос в категории «Счета» сохранён, но ещё не отправлен." in letter
    assert len(re.findall(r"https?://", letter)) == 1, "the letter has one link"
    assert "Верните деньги" not in letter, "nobody has words sent to an address that may be another's"
    [link] = login_links(portal.desk, "eve@firma.example")
    assert stranger.submit(link).fields["Location"] == "/ask"
    page = stranger.get("/ask")
    assert "Верните деньги." in page.text
    assert "a.txt" in page.text
    assert send(stranger, page, REFUND).status == 303
    row = portal.desk.store.read_now(ledger.rows)[-1]
    assert (row.sender, row.door, row.trust) == ("eve@firma.example", "portal", "verified")


def test_another_language_before_signing_in_loses_no_word(portal: Pages) -> None:
    stranger = Browser(portal.client)
    page = stranger.get("/ask", **{"Accept-Language": "ru"})
    assert '<button type="submit" form="ask" name="tongue" value="en"' in page.text
    english = send(stranger, page, {**REFUND, "email": "eve@firma.example", "tongue": "en"}, [("a.txt", b"12")])
    assert (english.status, '<html lang="en"' in english.text) == (200, True)
    for kept in ("Верните деньги.", "eve@firma.example", "a.txt", 'value="1 017"'):
        assert kept in english.text, kept
    assert '<html lang="ru"' in send(stranger, english, {**REFUND, "tongue": "ru"}).text


def test_a_session_that_ended_loses_nothing(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, IVAN)
    page = browser.get("/ask")
    browser.cookies.clear()
    again = send(browser, page, REFUND, [("a.txt", b"12")])
    assert (again.status, "Верните деньги." in again.text, "a.txt" in again.text) == (403, True, True)
    assert 'name="email"' in again.text
    assert send(browser, again, {**REFUND, "email": IVAN}).status == 200
    browser.submit(login_links(portal.desk, IVAN)[-1])
    assert send(browser, browser.get("/ask"), REFUND).status == 303
    [message] = portal.desk.store.read_now(lists.messages_of, 1)
    assert [one.name for one in message.attachments] == ["a.txt"]


def test_a_draft_can_be_thrown_away(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, IVAN)
    page = send(browser, browser.get("/ask"), {"category": "tech", "words": ""})
    page = send(browser, page, {"category": "billing", "words": "Черновик"}, [("a.txt", b"1")])
    assert page.status == 422
    kept = hidden(browser.get("/ask"))
    assert browser.post("/ask", nonce=kept["nonce"], draft=kept["draft"], discard="1").status == 303
    assert "Черновик" not in browser.get("/ask").text


def test_forms_that_are_broken_off_or_are_none_change_nothing(portal: Pages, caplog: pytest.LogCaptureFixture) -> None:
    browser = signed_in(portal.desk, portal.client, IVAN)
    page = browser.get("/ask")
    whole = multipart([*hidden(page).items(), *REFUND.items(), ("send", "1")], [("a.txt", b"x" * 5000)])
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    state = asked(portal)
    bodies = [
        (kind, whole[:-3000]),
        (kind, whole.replace(b"name=", b"eman=")),
        (kind, b"\0\xff" * 500),
        (kind, b""),
        ("multipart/form-data", whole),
        (f"multipart/form-data; boundary={BOUNDARY}; charset=\N{SNOWMAN}".encode().decode("latin-1"), whole[:400]),
        ("application/x-www-form-urlencoded", b"%%%=&&&=" * 50),
        ("application/x-www-form-urlencoded", b"a=1&" * 400),
        ("application/x-www-form-urlencoded", b"words=" + b"x" * 2_000_000),
        ("text/plain", whole),
        ("application/json", b"{}"),
    ]
    for type_, body in bodies:
        fields = {"Content-Type": type_, "Sec-Fetch-Site": "same-origin"}
        answer = browser.ask("POST", "/ask", body, fields)
        assert 400 <= answer.status < 500, (type_, body[:40], answer.status)
    with socket.create_connection(("127.0.0.1", portal.client.port)) as client:
        cookie = f"Cookie: maild_session={browser.cookies['maild_session']}"
        head = f"POST /ask HTTP/1.1\r\nHost: 127.0.0.1:{portal.client.port}\r\n{cookie}\r\nContent-Type: {kind}\r\n"
        client.sendall(f"{head}Content-Length: {len(whole)}\r\n\r\n".encode() + whole[:-2000])
    assert send(browser, page, {**REFUND, "words": "Потом"}).status == 303
    assert [one[1] for one in asked(portal)[len(state) :]] == ["Потом"]
    assert [one.message for one in caplog.records if one.levelname == "ERROR"] == []
