"""Action links in a real browser without JavaScript: open, press, done; and the letters they come from."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from maild.core.tokens import Action
from maild.mime.render import templates_dir
from maild.web.letters import letters_app
from tests.servers import require
from tests.web.conftest import Pages
from tests.web.serving import listen, local_hosts, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.system

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PARTS = ("Subject: Счёт", "From: billing@desk.example", "To: ivan@firma.example", "MIME-Version: 1.0")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    program = shutil.which("chromium")
    require("chromium", program is not None)
    require("playwright", importlib.util.find_spec("playwright") is not None)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where it is installed

    with sync_playwright() as player:
        running = player.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(params=[(320, "light"), (1000, "dark")], ids=lambda param: f"{param[0]}-{param[1]}")
def page(browser: "Browser", request: pytest.FixtureRequest) -> Iterator["Page"]:
    width, scheme = request.param
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": width, "height": 800}, color_scheme=scheme, locale="ru-RU"
    )
    context.set_default_timeout(120_000)
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("console", lambda message: troubles.append(message.text))  # violations of the CSP are told there
    yield opened
    assert troubles == []
    assert context.cookies() == []
    context.close()


def test_a_customer_opens_the_link_and_presses_the_button(pages: Pages, page: "Page") -> None:
    number = pages.solved_ticket()
    address = f"http://127.0.0.1:{pages.client.port}"
    page.goto(address + pages.link(number, Action.SOLVED))
    assert pages.status(number) == "solved"
    page.get_by_role("button", name="Спасибо, проблема решена").click()
    assert "Отмечено, что проблема решена" in page.inner_text("main")

    page.get_by_role("link", name="Проблема не решена, продолжить общение").click()
    assert pages.status(number) == "solved", "a link only looks"
    page.get_by_role("button", name="Проблема не решена, продолжить общение").click()
    assert pages.status(number) == "open"
    done = page.inner_text("main")
    assert "снова в работе" in done
    page.reload()
    assert page.inner_text("main") == done
    assert [event[0] for event in pages.events(number)][-2:] == ["confirmed", "reopened"]
    page.go_back()
    assert "снова в работе" in page.inner_text("main"), "pages are never kept: going back shows today's state"


def test_a_customer_says_what_is_still_wrong(pages: Pages, page: "Page") -> None:
    number = pages.solved_ticket()
    page.goto(f"http://127.0.0.1:{pages.client.port}{pages.link(number, Action.CONTINUE)}")
    page.get_by_role("button", name="Проблема не решена, продолжить общение").click()
    page.get_by_label("Что осталось не так?").fill("Адрес в счёте старый.\nИсправьте, пожалуйста.")
    assert page.evaluate(OVERFLOW) == 0
    page.get_by_role("button", name="Отправить").click()
    assert "Сообщение передано" in page.inner_text("main")
    page.reload()
    assert "Сообщение передано" in page.inner_text("main")
    assert [event[0] for event in pages.events(number)][-2:] == ["reopened", "customer_wrote"]


def test_the_pages_are_styled_and_fit(pages: Pages, browser: "Browser") -> None:
    number = pages.open_ticket("Ы" * 150)
    link = f"http://127.0.0.1:{pages.client.port}{pages.link(number, Action.SOLVED)}"
    for width in (320, 1000):
        for scheme in SCHEMES:
            context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
            opened = context.new_page()
            opened.goto(link)
            assert opened.evaluate(OVERFLOW) == 0
            background = opened.evaluate("getComputedStyle(document.body).backgroundColor")
            assert background == {"light": "rgb(241, 244, 240)", "dark": "rgb(18, 22, 19)"}[scheme]
            context.close()


def test_a_link_in_a_letter_leads_out_of_its_frame(pages: Pages, page: "Page", tmp_path: Path) -> None:
    link = f"http://127.0.0.1:{pages.client.port}{pages.link(pages.solved_ticket(), Action.CONTINUE)}"
    html = f"<!doctype html><html><head><title>x</title></head><body><a href='{link}'>Продолжить</a></body></html>"
    head = "\r\n".join((*PARTS, "Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: 8bit"))
    (tmp_path / "mail/new").mkdir(parents=True)
    (tmp_path / "mail/new/1").write_bytes(f"{head}\r\n\r\n{html}\r\n".encode())
    bound = listen()
    app = letters_app(
        tmp_path / "mail",
        pages.desk.renderer,
        "ru",
        hosts=local_hosts(bound),
        static=templates_dir() / "static",
        name="Кактус",
        timezone="Europe/Moscow",
    )
    with serving(app, bound):
        page.goto(f"http://127.0.0.1:{bound.getsockname()[1]}/")
        page.get_by_role("link", name="Счёт").click()
        page.frame_locator("iframe").get_by_role("link", name="Продолжить").click()
        page.get_by_role("button", name="Проблема не решена, продолжить общение").click()
        assert "снова в работе" in page.inner_text("main")
