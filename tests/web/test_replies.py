"""Words and files in a thread: taken once, kept when they cannot be taken, downloaded by nobody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from maild.desk import drafts
from maild.mime.render import templates_dir
from maild.store import grants, lists
from maild.web.app import web_app
from maild.web.uploads import Limits
from tests.web.asking import BOUNDARY, File, multipart
from tests.web.conftest import CUSTOMER, Pages
from tests.web.portal import Browser, forms_in, signed_in
from tests.web.serving import Answer, Client, listen, local_hosts, serving

IVAN = CUSTOMER.address
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.fixture
def pages(pages: Pages, tmp_path: Path) -> Iterator[Pages]:
    bound = listen()
    app = web_app(pages.desk, local_hosts(bound), templates_dir() / "static", (), Limits(100_000, tmp_path))
    with serving(app, bound):
        yield Pages(pages.desk, pages.clock, Client(bound.getsockname()[1]))


def send(browser: Browser, page: Answer, number: int, values: dict[str, str], files: list[File]) -> Answer:
    [form] = [one for one in forms_in(page.text) if one.action == f"/t/{number}"]
    body = multipart({**form.hidden, **values}.items(), files)
    head = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Sec-Fetch-Site": "same-origin"}
    return browser.ask("POST", f"/t/{number}", body, head)


def said(portal: Pages, number: int) -> list[tuple[str, list[str]]]:
    rows = portal.desk.store.read_now(lists.messages_of, number)
    return [(row.reply.rstrip("\n"), [file.name for file in row.attachments]) for row in rows]


def test_an_answer_with_files_sent_twice_is_one_message_and_its_files_come_back(portal: Pages) -> None:
    number = portal.open_ticket()
    browser = signed_in(portal.desk, portal.client, IVAN)
    page = browser.get(f"/t/{number}")
    files = [("кот.png", PNG), ("лог.html", b"<script>alert(1)</script>")]
    for _ in range(2):
        assert send(browser, page, number, {"words": "Вот:\n```\na = 1\n```"}, files).status == 303
    assert said(portal, number)[1:] == [("Вот:\n```\na = 1\n```", ["кот.png", "лог.html"])]
    page = browser.get(f"/t/{number}")
    links = [part.partition('"')[0] for part in page.text.split(f'href="/t/{number}/files/')[1:]]
    got = [browser.get(f"/t/{number}/files/{link}") for link in links]
    assert [one.body for one in got] == [PNG, b"<script>alert(1)</script>"]
    for one, link in zip(got, links, strict=True):
        head = browser.ask("HEAD", f"/t/{number}/files/{link}")
        assert (head.status, head.body) == (200, b"")
        for name in ("Content-Type", "Content-Disposition", "Content-Length"):
            assert head.fields[name] == one.fields[name], name
    assert got[0].fields["Content-Disposition"].startswith("inline;")
    for one in got:
        assert one.fields["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert one.fields["X-Content-Type-Options"] == "nosniff"
    assert got[1].fields["Content-Disposition"].startswith("attachment;")
    assert got[1].fields["Content-Type"] == "application/octet-stream"
    other = signed_in(portal.desk, portal.client, "olga@firma.example")
    nothing = other.get("/t/999999/files/1/1")
    foreign = other.get(f"/t/{number}/files/{links[0]}")
    assert (foreign.status, nothing.status) == (404, 404)
    assert foreign.text.count("Такого обращения нет") == nothing.text.count("Такого обращения нет") == 1
    assert browser.get(f"/t/{number}/files/{links[0]}9").status == 404
    portal.desk.store.run_now(grants.give, IVAN, "olga@firma.example", portal.clock())
    assert other.get(f"/t/{number}/files/{links[0]}").body == PNG


def test_an_answer_whose_files_waited_in_a_draft_is_one_message_however_often_it_is_sent(portal: Pages) -> None:
    number = portal.open_ticket()
    browser = signed_in(portal.desk, portal.client, IVAN)
    for words in ("Вот файл", ""):
        stale = send(browser, browser.get(f"/t/{number}"), number, {"words": words, "nonce": "1.a.b"}, [("a", b"1")])
        assert stale.status == 403
        answers = [send(browser, stale, number, {"words": words}, []) for _ in range(3)]
        assert [one.fields["Location"] for one in answers] == [f"/t/{number}?note=taken"] * 3
    assert [files for _, files in said(portal, number)[1:]] == [["a"], ["a"]]


def test_what_cannot_be_taken_stays_in_the_form(portal: Pages) -> None:
    number = portal.open_ticket()
    browser = signed_in(portal.desk, portal.client, IVAN)
    page = browser.get(f"/t/{number}")
    large = send(browser, page, number, {"words": "Мой текст"}, [("big", b"x" * 100_001)])
    assert (large.status, "Мой текст" in large.text, "вместе они больше" in large.text) == (413, True, True)
    stale = send(browser, page, number, {"words": "Мой текст", "nonce": "1.a.b"}, [("a.txt", b"12")])
    assert (stale.status, "a.txt" in stale.text) == (403, True)
    assert send(browser, stale, number, {"words": "Мой текст"}, []).status == 303
    assert said(portal, number)[1:] == [("Мой текст", ["a.txt"])]
    assert "<span>a.txt" not in browser.get(f"/t/{number}").text


def test_what_was_not_sent_is_gone_with_the_tick_that_needs_none_of_it(portal: Pages) -> None:
    number = portal.open_ticket()
    browser = signed_in(portal.desk, portal.client, IVAN)
    kept = send(browser, browser.get(f"/t/{number}"), number, {"words": "Ещё", "nonce": "x"}, [("a.txt", b"12")])
    assert "<span>a.txt" in kept.text
    assert "<span>a.txt" in browser.get(f"/t/{number}").text
    assert send(browser, kept, number, {"words": "", "solved": "1", "drop": "0"}, []).status == 303
    assert portal.status(number) == "solved"
    page = browser.get(f"/t/{number}").text
    assert "<span>a.txt" not in page
    assert "Ещё</textarea>" not in page


def test_a_session_that_ended_keeps_the_answer_until_the_next_login(portal: Pages) -> None:
    number = portal.open_ticket()
    browser = signed_in(portal.desk, portal.client, IVAN)
    page = browser.get(f"/t/{number}")
    del browser.cookies["maild_session"]
    answer = send(browser, page, number, {"words": "Долго писал"}, [("a.txt", b"12")])
    assert (answer.status, answer.fields["Location"]) == (303, f"/login?t={number}")
    assert said(portal, number)[1:] == []
    browser.cookies.update(signed_in(portal.desk, portal.client, IVAN).cookies)
    page = browser.get(f"/t/{number}")
    assert "Долго писал</textarea>" in page.text
    assert send(browser, page, number, {"words": "Долго писал"}, []).status == 303
    assert said(portal, number)[1:] == [("Долго писал", ["a.txt"])]
    assert "Долго писал</textarea>" not in browser.get(f"/t/{number}").text


def test_what_cannot_be_kept_until_the_next_login_is_shown(portal: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    number = portal.open_ticket()
    browser = signed_in(portal.desk, portal.client, IVAN)
    page = browser.get(f"/t/{number}")
    browser.cookies.clear()
    monkeypatch.setattr(drafts, "_TRIES", {False: 0, True: 0})
    answer = send(browser, page, number, {"words": "Долго <писал>"}, [])
    assert (answer.status, "Долго &lt;писал&gt;</textarea>" in answer.text) == (429, True)
    assert f'href="/login?t={number}"' in answer.text


def test_code_is_shown_to_the_letter_and_coloured(portal: Pages) -> None:
    number = portal.open_ticket()
    browser = signed_in(portal.desk, portal.client, IVAN)
    code = "```sql\nSELECT  '<b>'\n\tFROM x;\n```"
    send(browser, browser.get(f"/t/{number}"), number, {"words": code}, [])
    page = browser.get(f"/t/{number}").text
    assert '<pre><code><span class="k">SELECT</span>  ' in page
    assert "&lt;b&gt;" in page
    assert "\n\t<span" in page
    assert "style=" not in page


def test_what_cannot_be_kept_until_somebody_is_back_stays_on_his_page(
    portal: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = portal.open_ticket()
    browser = signed_in(portal.desk, portal.client, IVAN)
    page = browser.get(f"/t/{number}")
    browser.cookies.clear()
    monkeypatch.setattr(drafts, "_MOST", 0)
    answer = send(browser, page, number, {"words": "Долго <писал>"}, [("a.txt", b"12")])
    assert (answer.status, browser.cookies) == (503, {})
    assert "Сообщение не отправлено" in answer.text
    assert "readonly>\nДолго &lt;писал&gt;</textarea>" in answer.text
    assert f'href="/login?t={number}"' in answer.text
