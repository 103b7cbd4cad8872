"""The page after «Проблема не решена» asks what is wrong; the text becomes a message, once (SPEC section 7)."""

from datetime import timedelta

from maild.core.tokens import Action
from maild.desk.act import speak
from maild.store import lists
from tests.web.clock import dump
from tests.web.conftest import CUSTOMER, NONCE, Pages, wait_for
from tests.web.serving import Answer
from tests.web.test_actions import Form

WORDS = "Счёт так и не пришёл.\r\n\r\n<b>Проверьте</b> адрес:\r\n    ул. Ленина, 1"
KEPT = WORDS.replace("\r\n", "\n")


def asked(pages: Pages, number: int) -> tuple[str, Answer]:
    """The link, and the page after its button was pressed."""
    link = pages.link(number, Action.CONTINUE)
    return link, pages.client.post(link, nonce=pages.nonce(link))


def nonce_of(answer: Answer) -> str:
    found = NONCE.search(answer.text)
    assert found, "no form on this page"
    return found[1]


def said(pages: Pages, number: int) -> list[tuple[str, str, str]]:
    rows = pages.desk.store.read_now(lists.messages_of, number)
    return [(row.author, row.role, row.reply) for row in rows]


def letters(pages: Pages) -> list[tuple[str, str, bool]]:
    found = pages.desk.store.read_now(
        lambda tx: tx.all("SELECT letter, to_address, message IS NOT NULL FROM outbox ORDER BY id")
    )
    return [(row[0], row[1], bool(row[2])) for row in found]


def test_the_page_has_one_form_with_a_labelled_field(pages: Pages) -> None:
    _, page = asked(pages, pages.solved_ticket())
    form = Form(page.text)
    assert form.all("form") == [{"method": "post"}]
    assert [(one["type"], one["name"]) for one in form.all("input")] == [("hidden", "nonce")]
    [area] = form.all("textarea")
    assert area["name"] == "words"
    assert [one["for"] for one in form.all("label")] == [area["id"]]
    assert "Что осталось не так?</label>" in page.text
    assert len(form.all("button")) == 1
    assert "form-action 'self'" in page.fields["Content-Security-Policy"]


def test_the_words_become_a_message_once_and_the_team_gets_them(pages: Pages) -> None:
    number = pages.solved_ticket()
    link, page = asked(pages, number)
    before, nonce = len(letters(pages)), nonce_of(page)
    thanks = pages.client.post(link, nonce=nonce, words=f"  {WORDS}\r\n\0")
    assert (thanks.status, "<form" in thanks.text) == (200, False)
    assert "Сообщение передано" in thanks.text
    assert said(pages, number)[-1] == (CUSTOMER.address, "customer", KEPT)
    assert pages.events(number)[-1] == ("customer_wrote", CUSTOMER.address, "http", "by_link")
    assert letters(pages)[before:] == [("new_message", "billing-team@office.example", True)]
    assert pages.status(number) == "open"

    state = dump(pages.desk.store)
    assert pages.client.post(link, nonce=nonce, words=f"  {WORDS}\r\n\0").body == thanks.body
    assert dump(pages.desk.store) == state


def test_other_words_with_a_form_that_was_used_stay_on_the_page(pages: Pages) -> None:
    number = pages.solved_ticket()
    link, page = asked(pages, number)
    pages.client.post(link, nonce=nonce_of(page), words="Первое.")
    again = pages.client.post(link, nonce=nonce_of(page), words="Второе <>.")
    assert ">\nВторое &lt;&gt;.</textarea>" in again.text
    assert pages.client.post(link, nonce=nonce_of(again), words="Второе <>.").status == 200
    assert [one[2] for one in said(pages, number)][-2:] == ["Первое.", "Второе <>."]


def test_an_empty_text_does_nothing_even_if_the_ticket_is_solved_again(pages: Pages) -> None:
    number = pages.solved_ticket()
    link, page = asked(pages, number)
    state = dump(pages.desk.store)
    assert "<textarea" in pages.client.post(link, nonce=nonce_of(page), words=" \r\n\t").text
    assert dump(pages.desk.store) == state
    wait_for(speak(pages.desk, number, "cli:root@t", solves=True))
    assert pages.client.post(link, nonce=nonce_of(page), words="").status == 200
    assert pages.status(number) == "solved"


def test_words_open_a_ticket_that_was_solved_meanwhile(pages: Pages) -> None:
    number = pages.solved_ticket()
    link, page = asked(pages, number)
    wait_for(speak(pages.desk, number, "cli:root@t", solves=True))
    pages.client.post(link, nonce=nonce_of(page), words=WORDS)
    assert pages.status(number) == "open"
    assert [event[0] for event in pages.events(number)][-2:] == ["customer_wrote", "reopened"]
    assert letters(pages)[-1] == ("reopened", "billing-team@office.example", True)


def test_words_after_the_close_open_a_follow_up_that_the_page_names(pages: Pages) -> None:
    number = pages.solved_ticket()
    pages.clock.forward(timedelta(hours=47))
    link, page = asked(pages, number)
    wait_for(speak(pages.desk, number, "cli:root@t", solves=True))
    pages.clock.forward(timedelta(hours=47, minutes=59))
    nonce = nonce_of(pages.client.post(link, nonce=nonce_of(page), words=""))
    pages.clock.forward(timedelta(minutes=1))
    answer = pages.client.post(link, nonce=nonce, words=WORDS)
    assert f"[#{number + 1}]" in answer.text
    assert pages.client.post(link, nonce=nonce, words=WORDS).body == answer.body
    assert said(pages, number + 1) == [(CUSTOMER.address, "customer", KEPT)]
    assert pages.events(number)[-1] == ("follow_up", CUSTOMER.address, "http", f"#{number + 1}")
    assert [one[0] for one in letters(pages)][-2:] == ["follow_up_team", "follow_up"]


def test_a_text_that_is_too_long_is_refused_and_kept(pages: Pages) -> None:
    number = pages.solved_ticket()
    link, page = asked(pages, number)
    state, long = dump(pages.desk.store), "ы" * 32_769
    answer = pages.client.post(link, nonce=nonce_of(page), words=long)
    assert answer.status == 413
    assert "до 64 КБ текста" in answer.text
    assert f"{long}</textarea>" in answer.text
    huge = pages.client.post(link, nonce=nonce_of(page), words=long * 3)
    assert (huge.status, "Слишком много текста" in huge.text) == (413, True)
    assert dump(pages.desk.store) == state
    assert "Сообщение передано" in pages.client.post(link, nonce=nonce_of(answer), words=long[:-1]).text


def test_only_the_page_that_asks_takes_words(pages: Pages) -> None:
    number = pages.solved_ticket()
    link, page = asked(pages, number)
    thanks = pages.link(number, Action.SOLVED)
    own, state = pages.nonce(thanks), dump(pages.desk.store)
    assert pages.client.post(thanks, nonce=own, words=WORDS).status == 403
    for nonce in ("", own, nonce_of(page)[:-1]):
        assert pages.client.post(link, nonce=nonce, words=WORDS).status == 403
    assert pages.client.post(link[:-1], nonce=nonce_of(page), words=WORDS).status == 404
    pages.clock.forward(timedelta(days=2, seconds=1))
    assert pages.client.post(link, nonce=nonce_of(page), words=WORDS).status == 403
    assert dump(pages.desk.store) == state
