"""How letters and pages look in a real browser: they fit from 320 px, light and dark, and can be read."""

import importlib.util
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from maild.core.letter import Letter
from maild.mime.render import Renderer, templates_dir
from maild.mime.samples import PAGES, sample_context, sample_page
from tests.servers import require

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.system

RENDERER = Renderer(templates_dir())
LONG = "https://example.test/" + "a" * 300
WIDTHS = (320, 1000)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# WCAG 2.2 §1.4.3: the contrast of every visible text with the nearest background behind it.
CONTRAST = """() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = node => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const poor = [];
  for (const node of document.body.querySelectorAll('*')) {
    const words = [...node.childNodes].filter(n => n.nodeType === 3 && n.data.trim()).map(n => n.data.trim());
    if (!words.length) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(1)}: ${words[0].slice(0, 40)}`);
  }
  return poor;
}"""


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


def letter_html(letter: Letter, language: str) -> str:
    """A letter that is hard to fit: long words in every place a stranger can fill."""
    context = sample_context(letter, language)
    if context["ticket"]:
        context["ticket"]["subject"] += f" {'W' * 120}"
    context["words"] += f"\n\n{LONG}\n\n```\n{'x = 1; ' * 60}\n```"
    context["person"]["name"] = "Z" * 80
    context["attachments"] = [{"name": "f" * 140 + ".pdf", "type": "application/pdf", "size": 1}]
    return RENDERER.letter(letter, language, context).html


def page_html(name: str, language: str) -> str:
    html = RENDERER.page(name, language, sample_page(name, language))
    style = (templates_dir() / "static/style.css").read_text(encoding="utf-8")
    return html.replace('<link rel="stylesheet" href="/static/style.css">', f"<style>{style}</style>")


def troubles(browser: "Browser", html: str) -> list[str]:
    found = []
    for scheme in SCHEMES:
        page = browser.new_page(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 700})
            page.set_content(html)
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            if over := page.evaluate(OVERFLOW):
                found.append(f"{scheme} {width}: {over} px too wide")
            found += [f"{scheme} {width}: contrast {one}" for one in page.evaluate(CONTRAST)]
        page.close()
    return found


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("letter", list(Letter))
def test_a_letter_fits_and_can_be_read(browser: "Browser", letter: Letter, language: str) -> None:
    assert troubles(browser, letter_html(letter, language)) == []


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_and_can_be_read(browser: "Browser", name: str, language: str) -> None:
    assert troubles(browser, page_html(name, language)) == []


def test_the_buttons_are_large_enough_for_a_finger(browser: "Browser") -> None:
    page = browser.new_page(viewport={"width": 320, "height": 700})
    page.set_content(letter_html(Letter.SOLVED, "ru"))
    for kind in ("primary", "secondary"):
        box = page.locator(f".{kind} a").bounding_box()
        assert box is not None
        assert box["height"] >= 44
    page.close()
