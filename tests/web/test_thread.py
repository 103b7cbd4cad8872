"""The pages of those who are signed in: the list with its tabs, a thread, words and buttons; and nobody else's."""

import asyncio
import json
import re
from datetime import timedelta

import pytest

from maild.core.effects import Role
from maild.core.mail import Door, Envelope, Mailbox
from maild.core.orders import Invite, Merge
from maild.core.requests import Scope
from maild.desk.accept import accept
from maild.desk.act import open_towards, order, speak
from maild.store import grants, ledger, lists, mine, tickets
from maild.store.db import Tx
from tests.store.rows import message
from tests.web.clock import dump
from tests.web.conftest import CUSTOMER, Pages, wait_for
from tests.web.portal import Browser, forms_in, signed_in
from tests.web.serving import Answer

OLGA = "olga@firma.example"
MALLORY = "mallory@evil.example"
AGENT = "cli:root@t"


def ask(portal: Pages, subject: str, words: str = "Здравствуйте!", person: str = CUSTOMER.address) -> int:
    """A question by mail, from somebody who is vouched for; the number of its ticket."""
    head = (
        f"From: <{person}>\r\nTo: billing@desk.example\r\nSubject: {subject}\r\nMessage-ID: <{subject}{person}@x>\r\n"
    )
    raw = f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n".encode()
    portal.clock.forward(timedelta(minutes=1))
    envelope = Envelope(person, ("billing@desk.example",), Door.SMTP, "127.0.0.1", False, person, portal.clock())
    mail = wait_for(accept(portal.desk, raw, envelope))
    for _ in range(500):
        row = portal.desk.store.read_now(ledger.row, mail)
        if row and row.state != "spooled":
            assert row.ticket, row
            return row.ticket
        wait_for(_moment())
    raise AssertionError("nobody has looked at the mail")


async def _moment() -> None:
    await asyncio.sleep(0.01)


def said(portal: Pages, number: int) -> list[tuple[str, str]]:
    return [(row.author, row.reply) for row in portal.desk.store.read_now(lists.messages_of, number)]


def numbers(page: Answer) -> list[int]:
    """The tickets of the left pane, from above."""
    return [int(one) for one in re.findall(r'<a href="/t/([0-9]+)[^"]*"[^>]*>\s*<svg', page.text)]


def letters(portal: Pages, number: int) -> list[tuple[str, str]]:
    return portal.desk.store.read_now(
        lambda tx: tx.all("SELECT letter, to_address FROM outbox WHERE ticket = ? ORDER BY id", number)
    )


def test_the_tabs_hold_what_they_say_newest_first_with_their_handsets(portal: Pages) -> None:
    own = ask(portal, "one")
    towards = portal.open_ticket("Towards")
    portal.clock.forward(timedelta(minutes=1))
    other = ask(portal, "three", person=OLGA)
    wait_for(order(portal.desk, other, AGENT, Invite((CUSTOMER.address,))))
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    first = browser.get("/")
    assert [re.sub("<.*", "", one) for one in re.findall(r">([^<]+</a>)", first.text) if one in TABS] == [
        "Свои", "Все", "Входящие", "Исходящие"
    ]  # fmt: skip
    assert numbers(first) == [own], "the first tab is «Свои»"
    assert numbers(browser.get("/?tab=all")) == [other, towards, own]
    assert numbers(browser.get("/?tab=incoming")) == [towards]
    assert numbers(browser.get("/?tab=outgoing")) == [other, own]
    assert numbers(browser.get("/?tab=nonsense")) == [own]
    page = browser.get("/?tab=all").text
    assert re.findall(r'class="handset (\w+)" [^>]*role="img" aria-label="(\w+)"', page) == [
        ("outgoing", "Исходящее"), ("incoming", "Входящее"), ("outgoing", "Исходящее")
    ]  # fmt: skip


TABS = ("Свои</a>", "Все</a>", "Входящие</a>", "Исходящие</a>")


def test_the_badge_counts_answers_until_they_are_read(portal: Pages) -> None:
    number = ask(portal, "one")
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    assert 'class="badge"' not in browser.get("/").text
    for words in ("Раз.", "Два."):
        wait_for(speak(portal.desk, number, AGENT, words=words))
    wait_for(speak(portal.desk, number, AGENT, note="Между нами."))
    home = browser.get("/")
    assert '<span aria-hidden="true">2</span>' in home.text
    assert '<li class="unread">' in home.text
    before = dump(portal.desk.store)
    thread = browser.get(f"/t/{number}")
    after = dump(portal.desk.store)
    assert "Между нами" not in thread.text
    assert [name for name in before if before[name] != after[name]] == ["participants"], "his own mark, nothing else"
    assert 'class="badge"' not in thread.text
    assert 'class="badge"' not in browser.get("/").text
    browser.get(f"/t/{number}")
    assert dump(portal.desk.store) == after


def test_a_number_jumps_however_it_is_written(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    for typed in (
        "42",
        "%2342",
        "%5B%2342%5D",
        "%E2%84%96%2042",
        "%20%5B%D0%9A%D0%B0%D0%BA%D1%82%D1%83%D1%81%20%2342%5D",
    ):
        assert browser.get(f"/search?q={typed}").fields["Location"] == "/t/42"
    assert browser.get("/search?q=%3Cscript%3E").status == 200


def test_a_reply_is_a_mail_of_the_ticket_sent_twice_it_is_one(portal: Pages) -> None:
    number = ask(portal, "one")
    wait_for(speak(portal.desk, number, AGENT, words="Что не так?"))
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    words = "Всё.\n\n> это не цитата\n-- \nи не подпись: <b>"
    [form] = [one for one in forms_in(browser.get(f"/t/{number}").text) if one.action == f"/t/{number}"]
    for _ in range(2):
        answer = browser.post(f"/t/{number}", **form.hidden, words=words.replace("\n", "\r\n"))
        assert (answer.status, answer.fields["Location"]) == (303, f"/t/{number}?note=taken")
    assert said(portal, number)[-1] == (CUSTOMER.address, words)
    assert len(said(portal, number)) == 3
    assert portal.status(number) == "open"
    assert portal.events(number)[-1] == ("customer_wrote", CUSTOMER.address, "portal", "by_portal")
    row = portal.desk.store.read_now(ledger.rows)[-1]
    assert (row.door, row.trust, row.state, row.ticket) == ("portal", "verified", "done", number)
    assert letters(portal, number)[-1] == ("new_message", "billing-team@office.example")
    assert "и не подпись: &lt;b&gt;" in browser.get(f"/t/{number}").text
    browser.post(f"/t/{number}", **form.hidden, words="Другое.")
    assert said(portal, number)[-1] == (CUSTOMER.address, "Другое."), "other words are another message"


@pytest.mark.parametrize("words", ["список", "I am out of the office until Monday.", "x" * 3000 + "\n" * 50 + "y"])
def test_what_is_typed_is_a_message_whatever_it_says(portal: Pages, words: str) -> None:
    number = ask(portal, "one")
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    assert browser.submit(f"/t/{number}", f"/t/{number}", words=words).status == 303
    assert said(portal, number)[-1] == (CUSTOMER.address, words)


def test_the_tick_closes_the_ticket_as_solved_with_and_without_words(portal: Pages) -> None:
    first, second = ask(portal, "one"), ask(portal, "two")
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    for number, words in ((first, "Уже работает."), (second, "")):
        browser.submit(f"/t/{number}", f"/t/{number}", words=words, solved="1")
        assert portal.status(number) == "solved"
        assert ("solved", CUSTOMER.address, "portal", "by_portal") in portal.events(number)
        assert ("solved", CUSTOMER.address) in letters(portal, number)
    assert said(portal, first)[-1] == (CUSTOMER.address, "Уже работает.")
    assert len(said(portal, second)) == 1


def test_the_solved_banner_has_the_deadline_and_both_buttons(portal: Pages) -> None:
    number = portal.solved_ticket()
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    page = browser.get(f"/t/{number}").text
    assert "до среды, 25 ноября 2026 г., 14:05 (МСК, UTC+3)".replace(" г.", "\N{NO-BREAK SPACE}г.")[:10] in page
    assert "14:05 (МСК, UTC+3)" in page
    assert ">Спасибо, проблема решена</button>" in page
    assert ">Проблема не решена, продолжить общение</button>" in page
    assert browser.submit(f"/t/{number}", f"/t/{number}/solved").status == 303
    assert portal.events(number)[-1] == ("confirmed", CUSTOMER.address, "portal", "by_portal")
    confirmed = browser.get(f"/t/{number}").text
    assert ">Спасибо, проблема решена</button>" not in confirmed
    answer = browser.submit(f"/t/{number}", f"/t/{number}/continue")
    assert portal.events(number)[-1] == ("reopened", CUSTOMER.address, "portal", "by_portal")
    assert portal.status(number) == "open"
    asked = browser.get(answer.fields["Location"]).text
    assert "Что осталось не так?" in asked
    other = portal.solved_ticket()
    assert "Обращение снова в работе." not in browser.get(f"/t/{other}?note=asked").text
    state = dump(portal.desk.store)
    browser.submit(answer.fields["Location"], f"/t/{number}", words="")
    assert dump(portal.desk.store) == state, "nothing was said"


def test_after_the_deadline_words_open_a_linked_ticket_and_buttons_do_nothing(portal: Pages) -> None:
    number = portal.solved_ticket()
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    nonce = forms_in(browser.get(f"/t/{number}").text)[-1].hidden["nonce"]
    portal.clock.forward(timedelta(hours=47, minutes=59, seconds=59))
    assert ">Проблема не решена, продолжить общение</button>" in browser.get(f"/t/{number}").text
    portal.clock.forward(timedelta(seconds=1))
    page = browser.get(f"/t/{number}").text
    assert "Задать новый вопрос" in page
    assert "продолжить общение</button>" not in page
    assert 'name="solved"' not in page
    refused = browser.post(f"/t/{number}/continue", nonce=nonce)
    assert refused.fields["Location"] == f"/t/{number}", "nothing is claimed to have happened"
    assert portal.status(number) == "solved"
    assert '<button type="submit" name="new" value="1">Задать новый вопрос</button>' in page
    answer = browser.submit(f"/t/{number}?new=1", f"/t/{number}", words="Снова сломалось.")
    assert answer.fields["Location"] == f"/t/{number + 1}?note=followed"
    assert said(portal, number + 1) == [(CUSTOMER.address, "Снова сломалось.")]
    right = browser.get(f"/t/{number + 1}").text.partition("<main")[2]
    assert right.count(f'href="/t/{number}"') == 1
    assert f'href="/t/{number + 1}"' in browser.get(f"/t/{number}").text


def test_a_tick_that_comes_too_late_claims_nothing(portal: Pages) -> None:
    number = portal.solved_ticket()
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    nonce = forms_in(browser.get(f"/t/{number}").text)[-1].hidden["nonce"]
    thanks = browser.post(f"/t/{number}", nonce=nonce, words="", solved="1")
    assert thanks.fields["Location"] == f"/t/{number}?note=thanks"
    portal.clock.forward(timedelta(hours=48))
    late = browser.post(f"/t/{number}", nonce=nonce, words="", solved="1")
    assert late.fields["Location"] == f"/t/{number}"


def test_thanks_with_more_below_two_dashes_reopen(portal: Pages) -> None:
    number = portal.solved_ticket()
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    browser.submit(f"/t/{number}", f"/t/{number}", words="Спасибо!")
    assert portal.status(number) == "solved"
    browser.submit(f"/t/{number}", f"/t/{number}", words="Спасибо!\n-- \nНо деньги не пришли")
    assert portal.status(number) == "open"


def test_somebody_elses_ticket_is_one_that_is_not_there(portal: Pages) -> None:
    number = ask(portal, "one", "СЕКРЕТ")
    foreign = ask(portal, "two", person=MALLORY)
    browser = signed_in(portal.desk, portal.client, MALLORY)
    nonce = forms_in(browser.get(f"/t/{foreign}").text)[-1].hidden["nonce"]
    message = portal.desk.store.read_now(lists.messages_of, number)[0].id
    state = dump(portal.desk.store)

    def plain(answer: Answer) -> str:
        return re.sub(r'value="[0-9]+\.[^"]+"|value="/(?:t/[^"]*)?"', "", answer.text)

    missing = browser.get("/t/999")
    assert missing.status == 404
    for path in ("", "?before=99", f"/m/{message}", "?tab=all"):
        answer = browser.get(f"/t/{number}{path}")
        assert (answer.status, plain(answer)) == (404, plain(missing)), path
    for path in ("", "/solved", "/continue"):
        answer = browser.post(f"/t/{number}{path}", nonce=nonce, words="Я.", solved="1")
        assert (answer.status, plain(answer)) == (404, plain(missing)), path
    for wrong in (
        "0",
        "007",
        "x",
        "%D9%A1",
        "9" * 6000,
        "999999999999999999999",
        f"{foreign}/m/{message}",
        f"{foreign}/m/99999999999999999999",
    ):
        assert browser.get(f"/t/{wrong}").status == 404
    for tab in ("mine", "all", "incoming", "outgoing"):
        assert "СЕКРЕТ" not in browser.get(f"/?tab={tab}").text
        assert number not in numbers(browser.get(f"/?tab={tab}"))
    assert dump(portal.desk.store) == state


def test_support_is_a_customer_here_and_sees_no_other_tickets(portal: Pages) -> None:
    number = ask(portal, "one")
    browser = signed_in(portal.desk, portal.client, "billing-team@office.example")
    assert browser.get(f"/t/{number}").status == 404
    assert numbers(browser.get("/?tab=all")) == []


def test_a_form_needs_the_nonce_of_a_page_of_that_session(portal: Pages) -> None:
    number = ask(portal, "one")
    here, there = (signed_in(portal.desk, portal.client, CUSTOMER.address) for _ in range(2))
    foreign = forms_in(there.get("/").text)[-1].hidden["nonce"]
    own = forms_in(here.get("/").text)[-1].hidden["nonce"]
    state = dump(portal.desk.store)
    for nonce in ("", "x", foreign, own[:-1] + ("a" if own[-1] != "a" else "b")):
        answer = here.post(f"/t/{number}", nonce=nonce, words="Не теряйся.")
        assert (answer.status, ">\nНе теряйся.</textarea>" in answer.text) == (403, True), "what was typed is not lost"
        assert here.post(f"/t/{number}/solved", nonce=nonce).status == 403
    body = f"nonce={own}&words=x".encode()
    fields = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"}
    assert here.ask("POST", f"/t/{number}", body, fields).status == 403
    portal.clock.forward(timedelta(days=2, seconds=1))
    assert here.post(f"/t/{number}", nonce=own, words="x").status == 403
    assert {name for name, rows in dump(portal.desk.store).items() if rows != state[name]} <= {"participants"}
    assert Browser(portal.client).post(f"/t/{number}", nonce=own, words="x").status == 303, "to the login"
    assert len(said(portal, number)) == 1


def test_long_threads_and_long_words_come_in_small_pages(portal: Pages) -> None:
    long = "\n\n".join(f"{number} " + 'Очень длинно & "подробно" <так>. ' * 20 for number in range(200))
    number = ask(portal, "one", long)
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    for index in range(14):
        wait_for(speak(portal.desk, number, AGENT, words=f"Ответ {index}. " + "Ещё слова. " * 400))
    seen, path = [], f"/t/{number}"
    while path:
        page = browser.get(path)
        assert len(page.body) < 60_000
        seen += re.findall(r"<p>Ответ ([0-9]+)\.", page.text)
        found = re.search(r'<a href="([^"]+)" rel="next">Показать более ранние сообщения', page.text)
        path = found[1].replace("&amp;", "&") if found else ""
    assert [int(one) for one in seen] == list(reversed(range(14)))
    whole = re.search(r'href="(/t/[0-9]+/m/[0-9]+)"', page.text)
    assert whole
    words, path = "", whole[1]
    while path:
        piece = browser.get(path)
        assert len(piece.body) < 60_000
        words += re.search(r'<pre class="letter">(.*?)</pre>', piece.text, re.DOTALL)[1]  # type: ignore[index]
        found = re.search(r'<a href="([^"]+)" rel="next">', piece.text)
        path = found[1] if found else ""
    assert words.count("подробно") == 4000


def test_lists_come_in_pages(portal: Pages) -> None:
    def fill(tx: Tx) -> None:
        for number in range(1, 46):
            tx.run(
                "INSERT INTO tickets (number, subject, category, topic, status, language, created_at, fields, tags,"
                " priority, is_incoming) VALUES (?, ?, 'billing', '', 'new', 'ru', ?, '{}', '[]', 'normal', FALSE)",
                number, "Ы" * 500, 1_764_000_000_000_000 + number // 3,
            )  # fmt: skip
            tx.run(
                "INSERT INTO participants (ticket, address, name, position, created_at) VALUES (?, ?, '', 0, ?)",
                number, CUSTOMER.address, 1_764_000_000_000_000 + number // 3,
            )  # fmt: skip

    portal.desk.store.run_now(fill)
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    found, path = [], "/?tab=all"
    while path:
        page = browser.get(path)
        assert len(page.body) < 60_000
        found += numbers(page)
        older = re.search(r'<a href="([^"]+)" rel="next">Показать более ранние<', page.text)
        path = older[1].replace("&amp;", "&") if older else ""
    assert found == list(range(45, 0, -1))


def test_no_page_shows_what_support_quotes(portal: Pages) -> None:
    number = ask(portal, "one")
    answer = message(author=Mailbox("", AGENT), role=Role.AGENT, reply="Вот.", text="Вот.\n\n> Заметка: должник")
    identifier = portal.desk.store.run_now(tickets.add_message, number, answer, None)
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    for path in (f"/t/{number}", f"/t/{number}/m/{identifier}"):
        page = browser.get(path)
        assert (page.status, "Вот." in page.text, "должник" in page.text) == (200, True, False), path
    assert "Показать, что было ниже в письме" not in browser.get(f"/t/{number}").text


def test_a_merged_ticket_leads_to_the_one_it_went_into(portal: Pages) -> None:
    first, second = ask(portal, "one"), ask(portal, "two")
    wait_for(order(portal.desk, first, AGENT, Merge(second)))
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    assert browser.get(f"/t/{first}").fields["Location"] == f"/t/{second}"
    assert browser.get(f"/t/{second}").status == 200
    typed = browser.post(f"/t/{first}", nonce="x", words="Не теряйся.")
    assert (typed.status, ">\nНе теряйся.</textarea>" in typed.text) == (403, True)
    [form] = [one for one in forms_in(typed.text) if one.action == f"/t/{second}"]
    assert browser.post(form.action, **form.hidden, words="Не теряйся.").status == 303
    assert said(portal, second)[-1] == (CUSTOMER.address, "Не теряйся.")
    assert browser.post(f"/t/{first}", nonce="x", words="").fields["Location"] == f"/t/{second}"
    fresh = forms_in(browser.get(f"/t/{second}").text)[-1].hidden
    answer = browser.post(f"/t/{first}", **fresh, words="Со старой страницы.")
    assert answer.fields["Location"] == f"/t/{second}?note=taken", "nothing is said of a new ticket"


def test_a_guest_reads_and_writes_the_owners_tickets_and_not_the_other_way(portal: Pages) -> None:
    owners, guests = ask(portal, "one", "ВЛАДЕЛЕЦ"), ask(portal, "two", "ГОСТЬ", person=OLGA)
    portal.desk.store.run_now(grants.give, CUSTOMER.address, OLGA, portal.clock())
    owner, guest = (signed_in(portal.desk, portal.client, who) for who in (CUSTOMER.address, OLGA))
    assert numbers(guest.get("/?tab=all")) == [guests, owners]
    assert numbers(guest.get("/?tab=outgoing")) == [guests, owners]
    assert numbers(guest.get("/")) == [guests]
    assert "ВЛАДЕЛЕЦ" in guest.get(f"/t/{owners}").text
    assert numbers(owner.get("/?tab=all")) == [owners]
    assert owner.get(f"/t/{guests}").status == 404
    assert guest.submit(f"/t/{owners}", f"/t/{owners}", words="Я с ним.").status == 303
    assert said(portal, owners)[-1] == (OLGA, "Я с ним.")
    wait_for(speak(portal.desk, owners, AGENT, words="Готово.", solves=True))
    assert (("solved", OLGA)) not in letters(portal, owners), "he is no participant: nothing is mailed to him"
    assert guest.submit(f"/t/{owners}", f"/t/{owners}/continue").status == 303
    assert portal.status(owners) == "open"
    nonce = forms_in(guest.get("/").text)[-1].hidden["nonce"]
    portal.desk.store.run_now(grants.take, CUSTOMER.address, OLGA)
    assert guest.get(f"/t/{owners}").status == 404
    assert guest.post(f"/t/{owners}", nonce=nonce, words="x").status == 404
    assert numbers(guest.get("/?tab=all")) == [guests]
    assert len(said(portal, owners)) == 3


def test_the_list_by_mail_holds_what_the_tabs_hold(portal: Pages) -> None:
    ask(portal, "one")
    portal.desk.store.run_now(grants.give, CUSTOMER.address, OLGA, portal.clock())
    found = portal.desk.store.read_now(mine.tickets_of, OLGA, Scope.ALL)
    assert [one.subject for one in found] == ["one"]
    assert portal.desk.store.read_now(mine.tickets_of, OLGA, Scope.MINE) == []


def test_nothing_secret_is_logged(portal: Pages, caplog: pytest.LogCaptureFixture) -> None:
    number = ask(portal, "one")
    with caplog.at_level("INFO"):
        browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
        browser.submit(f"/t/{number}", f"/t/{number}", words="СЕКРЕТ")
    text = json.dumps([record.getMessage() for record in caplog.records], ensure_ascii=False)
    assert "СЕКРЕТ" not in text
    assert browser.cookies["maild_session"] not in text
    assert "/login/" not in text


def test_pages_answer_with_the_portals_policy(portal: Pages) -> None:
    number = ask(portal, "one")
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    for path in ("/", f"/t/{number}", "/t/999", "/login/x"):
        fields = browser.get(path).fields
        assert "script-src 'self'; style-src 'self'" in fields["Content-Security-Policy"]
        assert fields["Cache-Control"] == "no-store"
        assert "unsafe" not in fields["Content-Security-Policy"]
    for page in (browser.get("/").text, browser.get(f"/t/{number}").text):
        assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', page) == []
        assert " style=" not in page
    assert wait_for(open_towards(portal.desk, AGENT, CUSTOMER, category="tech", topic="", subject="s", words="w"))
