"""What axe-core says of the pages of the portal, light and dark, Russian and English: nothing serious or critical."""

import importlib.util
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest

from maild.core.mail import Mailbox
from maild.desk.act import open_towards, speak
from maild.store import grants
from tests.servers import require
from tests.web.conftest import Pages, wait_for
from tests.web.portal import signed_in
from tests.web.test_browser import browser
from tests.web.test_portal_browser import AGENT, looking, portal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser", "portal"]

pytestmark = pytest.mark.system

ANN = "ann@firma.example"
CODE = "Запрос:\n```sql\nSELECT name FROM t WHERE id = 17; -- всё\n```"


@pytest.fixture(scope="module")
def pages(portal: Pages) -> dict[str, str]:
    """Every kind of page, with something of everything on it."""
    require("axe_playwright_python", importlib.util.find_spec("axe_playwright_python") is not None)
    desk, found = portal.desk, {}
    for name in ("closed", "solved", "pending"):
        portal.clock.forward(timedelta(minutes=1))
        number = wait_for(
            open_towards(
                desk, AGENT, Mailbox("Анна", ANN), category="billing", topic="refund", subject=name, words=CODE
            )
        )
        found[name] = f"/t/{number}"
        if name != "pending":
            wait_for(speak(desk, number, AGENT, words="Готово.", solves=True))
        if name == "closed":
            portal.clock.forward(timedelta(hours=48))
    customer = signed_in(desk, portal.client, ANN)
    customer.submit(found["pending"], found["pending"], words=CODE)
    wait_for(speak(desk, number, AGENT, words="Вот так."))
    desk.store.run_now(grants.give, ANN, "boss@firma.example", desk.now())
    desk.store.run_now(grants.give, "boss@firma.example", ANN, desk.now())
    return {
        "list": "/?tab=all",
        "access": "/access",
        "missing": "/t/999999",
        "new": f"{found['closed']}?new=1",
        **found,
    }


def faults(page: "Page") -> list[str]:
    """What axe-core finds that would keep somebody out, as rule and element."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - only where it is

    response: dict[str, Any] = Axe().run(page).response
    return [
        f"{page.url} {found['id']}: {node['html']}"
        for found in response["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(320, "dark", "en-GB"), pytest.param(1280, "light", "ru-RU", marks=pytest.mark.soak)],
    ids=["narrow", "wide"],
)
def test_nothing_keeps_anybody_out(
    browser: "Browser",
    portal: Pages,
    pages: dict[str, str],
    width: int,
    scheme: Literal["light", "dark"],
    language: str,
) -> None:
    found: list[str] = []
    with looking(browser, portal, width, scheme=scheme, language=language) as page:
        for path in ("/login", "/login/x.y", "/ask"):
            page.goto(path)
            found += faults(page)
    with looking(browser, portal, width, scheme=scheme, language=language, person=ANN) as page:
        for path in pages.values():
            page.goto(path)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            found += faults(page)
        for step in steps(page):
            found += [f"{step}: {one}" for one in faults(page)]
    assert found == []


def steps(page: "Page") -> Iterator[str]:
    """«Задать вопрос»: each of its steps, the last with everything wrong."""
    page.goto("/ask")
    yield "category"
    page.select_option("#category", "billing")
    yield "topic"
    page.select_option("#topic", "refund")
    yield "card"
    page.click("[name=send]")
    yield "faults"
