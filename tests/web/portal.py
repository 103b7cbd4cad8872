"""A customer in front of the portal: a browser's cookies, forms as they stand on the page, his letters."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from html.parser import HTMLParser
from urllib.parse import urlencode

from maild.desk.desk import Desk
from maild.desk.login import login_url
from maild.desk.notices import freeze_notice
from maild.store import outbox
from tests.web.serving import Answer, Client

FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Browser:
    """Keeps cookies and follows no redirects by itself."""

    client: Client
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: bytes | None = None, fields: Mapping[str, str] | None = None) -> Answer:
        """One request with the cookies that came so far."""
        cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = self.client.ask(method, path, body, {**(cookies if self.cookies else {}), **(fields or {})})
        for cookie in answer.fields.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        return answer

    def get(self, path: str, **fields: str) -> Answer:
        return self.ask("GET", path, None, fields)

    def post(self, path: str, **values: str) -> Answer:
        body = urlencode(values).encode()
        return self.ask("POST", path, body, {"Content-Type": FORM, "Origin": "null", "Sec-Fetch-Site": "same-origin"})

    def submit(self, path: str, action: str | None = None, **values: str) -> Answer:
        """Open a page, take its form of that action with its hidden fields, fill it in, send it."""
        found = [form for form in forms_in(self.get(path).text) if action is None or form.action == action]
        assert found, f"no form {action} on {path}"
        return self.post(found[0].action or path.partition("?")[0], **{**found[0].hidden, **values})


@dataclass(slots=True)
class Form:
    """A form of a page."""

    action: str
    method: str
    hidden: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(values.get("action", ""), values.get("method", "get")))
        elif tag == "input" and values.get("type") == "hidden" and self.found:
            self.found[-1].hidden[values["name"]] = values.get("value", "")
        elif tag == "button" and self.found:
            self.found[-1].buttons.append(values.get("name", ""))


def forms_in(page: str) -> list[Form]:
    """Every form of a page."""
    parser = _Forms()
    parser.feed(page)
    return parser.found


def login_links(desk: Desk, address: str) -> list[str]:
    """The paths of the links in the login letters to an address, oldest first."""
    rows = desk.store.run_now(outbox.claim, desk.now(), 1000)
    found = [login_url(desk, row) for row in rows if row.to_address == address and row.letter == "login"]
    desk.store.run_now(outbox.release_leases)
    return [re.sub(r"^https?://[^/]+", "", url) for url in found]


def login_letter(desk: Desk, address: str) -> str:
    """The plain words of the newest login letter to an address."""
    rows = desk.store.run_now(outbox.claim, desk.now(), 1000)
    row = [row for row in rows if row.to_address == address and row.letter == "login"][-1]
    letter = message_from_bytes(asyncio.run(freeze_notice(desk, row)).frozen or b"", policy=policy.default)
    desk.store.run_now(outbox.release_leases)
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def signed_in(desk: Desk, client: Client, address: str) -> Browser:
    """Sign somebody in, by the way that everybody goes."""
    browser = Browser(client)
    assert browser.submit("/login", email=address).status == 200
    link = login_links(desk, address)[-1]
    assert browser.submit(link).status == 303
    return browser
