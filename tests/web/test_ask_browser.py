"""«Задать вопрос» in a real browser: with script on one page, without it in steps; nothing breaks the CSP."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from maild.desk.desk import Desk
from maild.store import lists
from tests.factory import make_desk
from tests.web.asking import with_topics
from tests.web.clock import StillClock
from tests.web.conftest import CUSTOMER, Pages
from tests.web.portal import signed_in
from tests.web.test_browser import OVERFLOW, browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser"]

pytestmark = pytest.mark.system


@pytest.fixture
def desk(tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with make_desk(tmp_path, now=clock) as made:
        made.policy = with_topics(made.policy)
        yield made


@pytest.fixture(params=[(True, 1280, "light"), (False, 320, "dark")], ids=["script", "no-script"])
def page(browser: "Browser", portal: Pages, request: pytest.FixtureRequest) -> Iterator["Page"]:
    script, width, scheme = request.param
    context = browser.new_context(
        java_script_enabled=script, viewport={"width": width, "height": 800}, color_scheme=scheme, locale="ru-RU"
    )
    customer = signed_in(portal.desk, portal.client, CUSTOMER.address)
    url = f"http://127.0.0.1:{portal.client.port}"
    context.add_cookies([{"name": name, "value": value, "url": url} for name, value in customer.cookies.items()])
    context.set_default_timeout(120_000)
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda message: troubles.append(f"{message.text} {message.location['url']}"))
    opened.goto(f"{url}/ask")
    yield opened
    assert [one for one in troubles if "422" not in one and "favicon" not in one] == []
    context.close()


def test_a_question_with_code_and_files_goes_through_its_card(portal: Pages, page: "Page", tmp_path: Path) -> None:
    def step() -> None:
        button = page.locator("button[name=step]")
        if button.count():
            button.click()

    page.select_option("#category", "billing")
    step()
    page.select_option("#topic", label="Возврат")
    step()
    page.fill("#words", "Верните деньги:\nSELECT 1;")
    if page.locator("button.code").is_visible():
        page.evaluate("document.getElementById('words').setSelectionRange(16, 25)")
        page.click("button.code")
        assert page.input_value("#words") == "Верните деньги:\n```\nSELECT 1;\n```\n"
    (tmp_path / "счёт.pdf").write_bytes(b"x" * 2000)
    page.set_input_files("#files", tmp_path / "счёт.pdf")
    page.get_by_role("button", name="Задать вопрос").click()
    assert "Не заполнено" in page.inner_text("main")
    assert page.evaluate(OVERFLOW) == 0
    page.fill("[name=f-contract]", "17")
    page.get_by_role("button", name="Задать вопрос").click()
    page.wait_for_url("**/t/1?note=created")
    assert page.evaluate(OVERFLOW) == 0
    [message] = portal.desk.store.read_now(lists.messages_of, 1)
    assert [one.name for one in message.attachments] == ["счёт.pdf"]
    page.fill("#words", "И ещё:\n```python\ndef f():\n    return 1\n```")
    page.get_by_role("button", name="Отправить").click()
    page.wait_for_url("**/t/1?note=taken")
    assert page.inner_text(".said pre >> nth=0") == "def f():\n    return 1"
    assert page.evaluate(OVERFLOW) == 0
