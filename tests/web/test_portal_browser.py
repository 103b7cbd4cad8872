"""The portal in a real browser: the customer's whole way, with script and without, wide and narrow, light and dark."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import pytest

from maild.core.mail import Mailbox
from maild.desk.act import open_towards, speak
from maild.desk.receive import receive_waiting
from maild.mime.render import templates_dir
from maild.store import lists, mine
from maild.store.db import Tx
from maild.web.app import web_app
from tests.factory import make_desk
from tests.web.asking import with_topics
from tests.web.clock import StillClock
from tests.web.conftest import Pages, wait_for
from tests.web.portal import login_links, signed_in
from tests.web.serving import Client, listen, local_hosts, serving
from tests.web.test_browser import OVERFLOW, browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

__all__ = ["browser"]

pytestmark = pytest.mark.system

AGENT = "cli:root@t"
RED, GREY = "rgb(192, 52, 43)", "rgb(102, 115, 107)"
LOOK = 13_000  # ms: an open page asks more often than that


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """One desk for all of these tests; each has customers of its own."""
    clock, is_over = StillClock(), threading.Event()
    with make_desk(tmp_path_factory.mktemp("desk"), now=clock) as desk:
        bound = listen()
        client = Client(bound.getsockname()[1])
        desk.policy = replace(with_topics(desk.policy), public_url=f"http://127.0.0.1:{client.port}")

        def work() -> None:
            while not is_over.wait(0.02):
                asyncio.run(receive_waiting(desk))

        worker = threading.Thread(target=work, name="worker")
        with serving(web_app(desk, local_hosts(bound), templates_dir() / "static"), bound):
            worker.start()
            yield Pages(desk, clock, client)
            is_over.set()
            worker.join(60)


@contextmanager
def looking(
    browser: "Browser",
    portal: Pages,
    width: int,
    *,
    script: bool = True,
    scheme: Literal["light", "dark"] = "light",
    language: str = "ru-RU",
    person: str = "",
) -> Iterator["Page"]:
    """A page in a browser of that kind; whoever is named is signed in. No complaints, nothing asked elsewhere."""
    home = portal.desk.policy.public_url
    context = browser.new_context(
        java_script_enabled=script,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        locale=language,
        base_url=home,
    )
    if person:
        cookies = signed_in(portal.desk, portal.client, person).cookies
        context.add_cookies([{"name": name, "value": value, "url": home} for name, value in cookies.items()])
    context.set_default_timeout(120_000)
    page = context.new_page()
    troubles: list[str] = []

    def elsewhere(url: str) -> list[str]:
        return [] if url.startswith((f"{home}/", "data:")) else [url]

    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text))
    page.on("request", lambda one: troubles.extend(elsewhere(one.url)))
    yield page
    assert [one for one in troubles if not re.search("status of (403|404|422)", one)] == []
    context.close()


def fits(page: "Page") -> None:
    """At the width it has, and at the others."""
    shown = page.viewport_size
    assert shown is not None
    for width in (1280, 320, shown["width"]):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(OVERFLOW) == 0, (page.url, width)


def badge(page: "Page") -> str:
    found = page.locator(".badge [aria-hidden]")
    return found.inner_text() if found.count() else ""


def newest(tx: Tx, person: str) -> int:
    return max(int(row[0]) for row in tx.all("SELECT ticket FROM participants WHERE address = ?", person))


@pytest.mark.parametrize(
    ("script", "width"),
    [
        (True, 1280),
        (False, 320),
        pytest.param(True, 320, marks=pytest.mark.soak),
        pytest.param(False, 1280, marks=pytest.mark.soak),
    ],
)
def test_the_way_of_a_customer_from_the_first_question_to_the_end(
    browser: "Browser", portal: Pages, script: bool, width: int
) -> None:
    person = f"ivan-{width}-{script}@firma.example".lower()
    with looking(browser, portal, width, script=script) as page:
        sign_in(page, portal, person)
        number = ask_a_question(page, portal, person, script=script)
        read_the_answer(page, portal, number, script=script)
        find_it_in_the_list(page, portal, person, number)
        write_and_solve(page, portal, number, is_wide=width == 1280)
        confirm_continue_and_begin_anew(page, portal, number)


def sign_in(page: "Page", portal: Pages, person: str) -> None:
    page.goto("/")
    fits(page)
    page.get_by_label("Электронная почта").fill(person)
    page.get_by_role("button", name="Получить ссылку").click()
    assert person in page.inner_text("main")
    page.goto(login_links(portal.desk, person)[-1])
    page.get_by_role("button", name="Войти").click()
    assert "Здесь пока ничего нет." in page.inner_text("main")
    fits(page)


def ask_a_question(page: "Page", portal: Pages, person: str, *, script: bool) -> int:
    """1.1 to 1.4."""

    def step() -> None:
        if not script:
            page.locator("button[name=step]").click()

    page.get_by_role("link", name="Задать вопрос").click()
    assert not page.get_by_label("Текст сообщения").is_visible()
    page.get_by_label(re.compile("^Категория")).select_option(label="Счета")
    step()
    page.get_by_label(re.compile("^Тема")).select_option(label="Возврат")
    step()
    fits(page)
    page.get_by_label(re.compile("^Номер договора")).fill("17")
    page.get_by_label("Текст сообщения").fill("Как вернуть деньги?\nТак?\n```\nSELECT 1;\n```")
    page.set_input_files("#files", {"name": "счёт.pdf", "mimeType": "application/pdf", "buffer": b"x" * 3000})
    if script:
        page.locator("button.code").click()
        assert page.input_value("#words").count("```") == 4
        page.fill("#words", "Как вернуть деньги?\n```\nSELECT 1;\n```")
    page.get_by_role("button", name="Задать вопрос").click()
    page.wait_for_url("**?note=created")
    assert "Ваша заявка передана в соответствующий отдел." in page.inner_text("main")
    assert page.inner_text(".said pre") == "SELECT 1;"
    assert "счёт.pdf" in page.inner_text(".files")
    fits(page)
    return portal.desk.store.read_now(newest, person)


def read_the_answer(page: "Page", portal: Pages, number: int, *, script: bool) -> None:
    """2.1: the number beside the button; with script it comes by itself."""
    page.goto("/")
    assert badge(page) == ""
    wait_for(speak(portal.desk, number, AGENT, words="Напишите заявление."))
    if script:
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_selector(".badge")
    else:
        page.reload()
    assert badge(page) == "1"
    assert page.locator(".list .unread").count() == 1


def find_it_in_the_list(page: "Page", portal: Pages, person: str, number: int) -> None:
    """2.2 to 2.9."""
    portal.clock.forward(timedelta(minutes=1))
    towards = wait_for(
        open_towards(
            portal.desk, AGENT, Mailbox("Иван", person), category="tech", topic="", subject="Работы", words="Ночью."
        )
    )
    for tab, shown, colours in (
        ("Все", [towards, number], [RED, GREY]),
        ("Входящие", [towards], [RED]),
        ("Исходящие", [number], [GREY]),
        ("Свои", [number], [GREY]),
    ):
        page.get_by_role("link", name=tab, exact=True).click()
        links = [one.get_attribute("href") or "" for one in page.locator(".list a").all()]
        assert [int(re.findall("[0-9]+", one)[0]) for one in links] == shown, tab
        fill = "all => all.map(one => getComputedStyle(one).fill)"
        assert page.locator(".list .handset").evaluate_all(fill) == colours, tab
        fits(page)
    page.get_by_role("searchbox").fill(f"№ {number}")
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url(f"**/t/{number}")
    assert badge(page) in ("1", ""), "the ticket that support has opened is unread"
    page.goto("/")


def write_and_solve(page: "Page", portal: Pages, number: int, *, is_wide: bool) -> None:
    """2.10 to 2.12."""
    page.locator(".list a").first.click()
    page.wait_for_url(f"**/t/{number}")
    left = page.locator(".left").bounding_box()
    right = page.locator(".right").bounding_box()
    assert right is not None
    assert (left is not None and left["x"] + left["width"] <= right["x"]) if is_wide else left is None
    assert "Напишите заявление." in page.inner_text("main")
    fits(page)
    page.get_by_label("Новое сообщение").fill("Написал.")
    page.get_by_role("button", name="Отправить").click()
    page.wait_for_url("**?note=taken")
    assert portal.desk.store.read_now(lists.messages_of, number)[-1].reply == "Написал."
    page.get_by_label("Новое сообщение").fill("Всё получилось.")
    page.get_by_label("Пометить вопрос как решенный").check()
    page.get_by_role("button", name="Отправить").click()
    page.wait_for_url("**?note=taken")
    assert portal.status(number) == "solved"
    assert "Проблема решена" in page.inner_text(".head")
    fits(page)


def confirm_continue_and_begin_anew(page: "Page", portal: Pages, number: int) -> None:
    """3.1 to 3.3."""
    wait_for(speak(portal.desk, number, AGENT, words="Готово.", solves=True))
    page.goto(f"/t/{number}")
    banner = page.locator(".banner")
    assert "Обращение можно возобновить до" in banner.inner_text()
    banner.get_by_role("button", name="Спасибо, проблема решена").click()
    assert "Вы подтвердили" in page.inner_text("main")
    banner.get_by_role("button", name="Проблема не решена, продолжить общение").click()
    assert portal.status(number) == "open"
    page.get_by_label("Что осталось не так?").fill("Не пришло.")
    page.get_by_role("button", name="Отправить").click()
    page.wait_for_url("**?note=taken")
    wait_for(speak(portal.desk, number, AGENT, solves=True))
    portal.clock.forward(timedelta(hours=48))
    page.goto(f"/t/{number}")
    assert page.get_by_role("button", name="Проблема не решена, продолжить общение").count() == 0
    page.get_by_role("button", name="Задать новый вопрос").click()
    page.get_by_label("Задать новый вопрос").fill("Опять.")
    fits(page)
    page.get_by_role("button", name="Отправить").click()
    page.wait_for_url("**?note=followed")
    assert page.locator(f".head a[href='/t/{number}']").count() == 1


def test_an_open_page_follows_and_never_touches_what_is_typed(browser: "Browser", portal: Pages) -> None:
    person = "open@firma.example"
    number = wait_for(
        open_towards(
            portal.desk, AGENT, Mailbox("", person), category="billing", topic="", subject="Счёт", words="Первое."
        )
    )
    with looking(browser, portal, 1280, person=person) as page:
        page.clock.install(time=0)
        asked: list[int] = []
        page.on("response", lambda answer: asked.append(answer.status))
        page.goto(f"/t/{number}")
        page.get_by_label("Новое сообщение").fill("Я как раз пи")
        page.evaluate("document.getElementById('words').setSelectionRange(3, 6)")
        with page.expect_response(lambda answer: answer.status == 304):
            page.clock.pause_at(3600)  # however slow the machine is, from here on it asks only when told
        wait_for(speak(portal.desk, number, AGENT, words="Второе."))
        page.clock.fast_forward(LOOK)
        page.wait_for_selector("text=Второе.")
        assert page.inner_text("#news") == "Новое сообщение в этом обращении."
        assert page.input_value("#words") == "Я как раз пи"
        assert page.evaluate("[document.activeElement.id, document.activeElement.selectionStart]") == ["words", 3]
        assert page.locator(".said").count() == 2
        unseen = portal.desk.store.read_now(mine.unread_answers, person, 9)
        assert unseen == 0, "it was seen"

        wait_for(speak(portal.desk, number, AGENT, solves=True))
        page.clock.fast_forward(LOOK)
        page.wait_for_selector(".banner.solved")
        assert page.inner_text("#news") == "Статус: Проблема решена"
        portal.clock.forward(timedelta(hours=48))
        with page.expect_response(lambda answer: answer.status == 200):
            page.clock.fast_forward(LOOK)
        assert page.input_value("#words") == "Я как раз пи", "another form would be due: but not now"
        page.fill("#words", "")
        page.evaluate("document.activeElement.blur()")
        page.clock.fast_forward(LOOK)
        page.wait_for_selector("text=Задать новый вопрос")
        assert asked.count(304) == 1


def test_who_is_signed_out_elsewhere_keeps_his_words(browser: "Browser", portal: Pages) -> None:
    person = "out@firma.example"
    number = wait_for(
        open_towards(
            portal.desk, AGENT, Mailbox("", person), category="billing", topic="", subject="Счёт", words="Первое."
        )
    )
    with looking(browser, portal, 320, person=person) as page:
        page.clock.install()
        page.goto(f"/t/{number}")
        page.get_by_label("Новое сообщение").fill("Длинный текст")
        portal.desk.store.run_now(lambda tx: tx.run("DELETE FROM sessions WHERE address = ?", person))
        with page.expect_response(lambda answer: answer.status == 303):
            page.clock.fast_forward(LOOK)
        assert page.input_value("#words") == "Длинный текст"
        page.get_by_role("button", name="Отправить").click()
        page.wait_for_url("**/login?t=*")


def test_a_form_that_brought_no_page_can_be_sent_again_after_five_seconds(browser: "Browser", portal: Pages) -> None:
    person, sent = "again@firma.example", []
    with looking(browser, portal, 1280, person=person) as page:
        page.clock.install(time=0)
        page.goto("/ask")
        page.clock.pause_at(3600)
        page.select_option("#category", "tech")
        page.fill("#words", "Слова")

        def no_page(route: "Route") -> None:
            if route.request.method == "POST":
                sent.append(route.request.url)
                route.fulfill(status=204)  # the browser stays where it is
            else:
                route.continue_()

        page.route("**/ask", no_page)
        send = page.get_by_role("button", name="Задать вопрос")
        for milliseconds, count in ((0, 1), (4900, 1), (200, 2)):
            page.clock.run_for(milliseconds)
            if len(sent) < count:
                with page.expect_response(lambda response: response.status == 204):
                    send.click(no_wait_after=True)
            else:
                send.click(no_wait_after=True)
                page.evaluate("1")
            assert len(sent) == count, milliseconds
        assert page.input_value("#words") == "Слова"
        assert page.get_by_role("button", name="</> Вставить код").count() == 1, "its label is in its name"
