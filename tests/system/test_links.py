"""Action links at the real web server: looking changes nothing, pressing acts once, foreign links tell nothing."""

import re
from collections import Counter
from urllib.parse import urlsplit

import pytest

from tests.conftest import StartMaild
from tests.servers import MaildProcess
from tests.smtpsink import SmtpSink
from tests.system.browser import ask, press
from tests.system.people import IVAN, TEAM, all_of, all_sent, events, links_in, ticket, trusting, write

pytestmark = pytest.mark.system

_URL = re.compile(r"https?://(?!www\.w3\.org/)[^\s\"'<>)]+")  # the name of a document type is no link


REFUND = """
[[category.topic]]
key = "refund"
title = "Возврат"

[[category.topic.field]]
key = "contract"
label = "Номер договора"
required = true
"""


def solved_ticket(desk: MaildProcess, sink: SmtpSink) -> list[str]:
    """A ticket that was answered and then solved; the two links of the last letter."""
    write(desk, "Счёт не пришёл.")
    write(desk, "Отправили ещё раз.", sender="anna@office.example", answers=sink.wait(TEAM)[0])
    sink.wait(IVAN, 2)
    assert desk.cli("ticket", "solve", "1").returncode == 0
    letter = sink.wait(IVAN, 3)[-1]
    all_sent(desk, 5)
    return links_in(letter)


def state_of(desk: MaildProcess) -> tuple[object, ...]:
    return ticket(desk), desk.json("outbox", "list"), desk.json("mail", "list")


def test_looking_at_every_url_of_every_letter_changes_nothing(start_maild: StartMaild, sink: SmtpSink) -> None:
    options = trusting()
    desk = start_maild(**(options | {"rest": options["rest"] + REFUND}))
    solved_ticket(desk, sink)
    write(desk, "Верните деньги.", to="billing+refund@desk.example")  # asked for fields, by letter and form
    write(desk, "#решенно\nОтправили.", sender="anna@office.example", answers=sink.wait(TEAM, 3)[-1])  # asked back
    sink.wait("anna@office.example")
    write(desk, "#продолжить", answers=sink.wait(IVAN, 4)[2])  # asked what is wrong
    sink.wait(IVAN, 5)
    all_sent(desk, 10)
    before = state_of(desk)
    urls = {url for letter in sink.letters for url in _URL.findall(all_of(letter))}
    kinds = Counter(urlsplit(url).path.split("/")[1] for url in urls)
    assert (kinds["a"], kinds["fields"]) == (5, 1), kinds
    assert kinds["l"], kinds
    assert {urlsplit(url).netloc for url in urls} == {urlsplit(desk.url).netloc}
    for _ in range(5):
        for url in sorted(urls):
            page, head = ask("GET", url), ask("HEAD", url)
            assert (page.status, head.status, head.body) == (200, 200, "")
            assert page.fields["referrer-policy"] == "no-referrer"
            assert "set-cookie" not in page.fields
    assert state_of(desk) == before


def test_a_button_acts_once_whatever_is_sent_again(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting())
    yes, no = solved_ticket(desk, sink)
    first, second = ask("GET", no), ask("GET", no)
    assert first.nonce != second.nonce
    assert ask("POST", no, form={"nonce": first.nonce}).status == 200
    sink.wait(TEAM, 3)
    all_sent(desk, 6)
    reopened = state_of(desk)
    assert ticket(desk)["status"] == "open"
    for nonce in (first.nonce, second.nonce, first.nonce):
        assert ask("POST", no, form={"nonce": nonce}).status == 200
    assert ask("POST", no, form={}).status == 403
    assert ask("POST", no, form={"nonce": ask("GET", yes).nonce}).status == 403
    assert ask("POST", yes, form={"nonce": "1.aaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaa"}).status == 403
    assert state_of(desk) == reopened
    assert events(desk).count(("reopened", "by_link")) == 1

    # The other button still acts: solving anew, with a new round. Then the old page shows today's state.
    assert press(yes).status == 200
    assert ticket(desk)["status"] == "solved"
    assert "<form" in ask("GET", no).body


def test_altered_links_and_foreign_names_tell_nothing(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting())
    yes, _ = solved_ticket(desk, sink)
    before = state_of(desk)
    token = yes.rpartition("/")[2]
    altered = [token[:-2], token + "A", token[0].swapcase() + token[1:], token.replace(".", "", 1), "x", "a" * 4000]
    pages = [ask(method, f"{desk.url}/a/{each}", form=form) for each in altered for method, form in
             (("GET", None), ("POST", {"nonce": "x"}))]  # fmt: skip
    assert {page.status for page in pages} == {404}
    assert len({page.body for page in pages}) == 1
    assert ask("GET", f"{desk.url}/nothing").body == pages[0].body
    assert ask("GET", yes, host="attacker.example").status == 421
    assert ask("POST", yes, form={"nonce": ask("GET", yes).nonce}, host="attacker.example").status == 421
    assert state_of(desk) == before
