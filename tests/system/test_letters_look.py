"""How letters and pages look in a real browser: they fit from 320 px, light and dark, and can be read."""

import importlib.util
import re
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from maild.core.letter import Letter
from maild.mime.cases import BARE, cases
from maild.mime.page_samples import PAGES, sample_page
from maild.mime.render import Renderer, templates_dir
from maild.mime.sample_common import Context
from tests.servers import require

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.system

RENDERER = Renderer(templates_dir())
LONG = "https://example.test/" + "a" * 300
WIDTHS = (320, 800)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"
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


# WCAG 2.2 §2.4.9: what a link is for can be told from its own text, or from its label where one text serves many.
LINKS = """() => {
  const seen = new Map(), poor = [];
  for (const link of document.links) {
    const name = (link.getAttribute('aria-label') || link.textContent).trim();
    const [other, href] = [seen.get(name), link.getAttribute('href')];
    if (name.length < 3 || /^(здесь|тут|сюда|ссылка|here|click here|link|more)$/i.test(name)) poor.push(name || href);
    if (other && other !== href) poor.push(`${name}: two places`);
    seen.set(name, href);
  }
  return poor;
}"""
SHAPE = """() => [document.documentElement.lang, document.querySelectorAll('h1').length,
  document.querySelectorAll('img, picture, svg, video, script, link, iframe, form').length]"""
_LOADS = re.compile(r"url\(|@import|\ssrc=|\sbackground=\"", re.I)


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """A page without scripts, as in a mail program; it fails when anything is fetched."""
    context = browser.new_context(java_script_enabled=False)
    fetched: list[str] = []
    context.on("request", lambda request: fetched.append(request.url))
    context.set_default_timeout(120_000)
    yield context.new_page()
    context.close()
    assert fetched == []


def hard(context: Context) -> Context:
    """A letter that is hard to fit: long words in every place a stranger can fill."""
    filled: Context = {"person": {**context["person"], "name": "Z" * 80}}
    if context["ticket"]:
        filled["ticket"] = {**context["ticket"], "subject": context["ticket"]["subject"] + f" {'W' * 120}"}
    if context["words"]:
        filled["words"] = context["words"] + f"\n\n{LONG}\n\n```\n{'x = 1; ' * 60}\n```"
    if context["attachments"]:
        filled["attachments"] = [*context["attachments"], {"name": "f" * 140 + ".pdf", "type": "x/y", "size": 1}]
    return context | filled


def letters_in(language: str) -> Iterator[tuple[str, str]]:
    """Every letter in every case, and the name of the case."""
    for letter in Letter:
        for case, context in cases(letter, language).items():
            shown = context if case == BARE else hard(context)
            yield f"{language} {letter} {case}", RENDERER.letter(letter, language, shown).html


def page_html(name: str, language: str) -> str:
    html = RENDERER.page(name, language, sample_page(language))
    style = (templates_dir() / "static/style.css").read_text(encoding="utf-8")
    return html.replace('<link rel="stylesheet" href="/static/style.css">', f"<style>{style}</style>")


def troubles(page: "Page", html: str) -> list[str]:
    """Where it is too wide, light and dark, and where it cannot be read. Colours do not depend on the width."""
    found = []
    page.set_content(html)
    page.evaluate(OPEN_ALL)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 700})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            if over := page.evaluate(OVERFLOW):
                found.append(f"{scheme} {width}: {over} px too wide")
            if width == WIDTHS[0]:
                found += [f"{scheme}: contrast {one}" for one in page.evaluate(CONTRAST)]
    return found


def misshapen(page: "Page", html: str, language: str) -> list[str]:
    """What a screen reader or a program that shows no images would stumble over, in the letter that is open."""
    found = [f"loads: {one}" for one in _LOADS.findall(html)]
    found += [f"link: {one}" for one in page.evaluate(LINKS)]
    shape = page.evaluate(SHAPE)
    return found if shape == [language, 1, 0] else [*found, f"shape: {shape}"]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_letter_fits_and_can_be_read(page: "Page", language: str) -> None:
    found = {
        name: poor
        for name, html in letters_in(language)
        if (poor := troubles(page, html) + misshapen(page, html, language))
    }
    assert found == {}


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_page_fits_and_can_be_read(browser: "Browser", language: str) -> None:
    page = browser.new_page()
    page.set_default_timeout(120_000)
    found = {name: poor for name in PAGES if (poor := troubles(page, page_html(name, language)))}
    page.close()
    assert found == {}


def test_the_buttons_are_large_enough_for_a_finger(page: "Page") -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    page.set_content(dict(letters_in("ru"))["ru solved full"])
    for kind in ("primary", "secondary"):
        box = page.locator(f".{kind} a").bounding_box()
        assert box is not None
        assert box["height"] >= 44
