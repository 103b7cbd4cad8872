"""What a browser (or a mail scanner) does with the links of a letter: plain HTTP, one request a connection."""

import re
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

_NONCE = re.compile(r'name="nonce" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of the web server."""

    status: int
    body: str
    fields: dict[str, str]

    @property
    def nonce(self) -> str:
        """The hidden field of the page's form, "" without one."""
        found = _NONCE.search(self.body)
        return found[1] if found else ""


def ask(method: str, url: str, *, form: dict[str, str] | None = None, host: str = "") -> Page:
    """One request; `host` replaces the Host field."""
    parts = urlsplit(url)
    fields = {"Host": host or parts.netloc}
    body = None
    if form is not None:
        body = urlencode(form)
        fields |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null"}
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    try:
        connection.request(method, parts.path or "/", body, fields)
        answer = connection.getresponse()
        text = answer.read().decode()
        return Page(answer.status, text, {name.lower(): value for name, value in answer.getheaders()})
    finally:
        connection.close()


def press(url: str) -> Page:
    """Open an action page and press its one button; the page that comes back."""
    page = ask("GET", url)
    assert page.status == 200
    assert page.body.count('<form method="post">') == 1
    return ask("POST", url, form={"nonce": page.nonce})
