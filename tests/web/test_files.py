"""File links: the attachment as it came, never shown as a page, until its day is over."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from hashlib import sha256

import pytest

from maild.core.mail import Door, Envelope
from maild.core.tokens import FileClaim, file_token
from maild.desk.accept import accept
from maild.desk.receive import receive_waiting
from maild.web import files, server
from tests.servers import until
from tests.web.clock import dump
from tests.web.conftest import CUSTOMER, Pages, wait_for
from tests.web.test_security import FIELDS

BIG = os.urandom(300_000)
HUGE = bytes(24_000_000)  # more than a kernel takes off our hands
PAGE = b"<script>alert(document.domain)</script>"
CSP = "default-src 'none'; sandbox"
File = tuple[str, str, bytes]


def sent(pages: Pages, *attached: File) -> list[str]:
    """Ivan sends a mail with files; his links to them."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = CUSTOMER.address, "billing@desk.example", "Files"
    mail["Message-ID"] = "<files@firma.example>"
    mail.set_content("See the files.")
    for name, kind, content in attached:
        mail.add_attachment(content, maintype=kind.split("/")[0], subtype=kind.split("/")[1], filename=name)
    envelope = Envelope(
        mail_from=CUSTOMER.address,
        rcpt_tos=("billing@desk.example",),
        door=Door.SMTP,
        peer="127.0.0.1",
        is_trusted_peer=True,
        user="",
        received_at=pages.clock(),
    )
    wait_for(accept(pages.desk, mail.as_bytes(), envelope))
    wait_for(receive_waiting(pages.desk))
    [(message,)] = pages.desk.store.read_now(lambda tx: tx.all("SELECT id FROM messages"))
    until_then = pages.clock() + timedelta(days=30)
    claims = [FileClaim(message, part, CUSTOMER.address, until_then) for part in range(1, len(attached) + 1)]
    return [f"/f/{file_token(pages.desk.keys, claim)}" for claim in claims]


@pytest.fixture
def links(pages: Pages) -> list[str]:
    """An archive, a page, a picture, and a page that calls itself a picture."""
    return sent(
        pages,
        ("backup.zip", "application/zip", BIG),
        ("page.html", "text/html", PAGE),
        ("picture.png", "image/png", b"\x89PNG"),
        ("Счёт 5; «акт».svg", "image/svg+xml", PAGE),
    )


def test_a_file_comes_as_it_was_sent_and_nothing_changes(pages: Pages, links: list[str]) -> None:
    before = dump(pages.desk.store)
    answer = pages.client.get(links[0])
    assert (answer.status, sha256(answer.body).digest()) == (200, sha256(BIG).digest())
    assert answer.fields["Content-Length"] == str(len(BIG))
    assert dump(pages.desk.store) == before


def test_a_file_is_never_a_page(pages: Pages, links: list[str]) -> None:
    for link, kind in zip(links, ("octet-stream", "octet-stream", "png", "octet-stream"), strict=True):
        answer = pages.client.get(link)
        assert answer.status == 200
        assert answer.fields["Content-Type"].rpartition("/")[2] == kind
        assert answer.fields["Content-Disposition"].startswith("attachment; ")
        assert {name: answer.fields[name] for name in FIELDS} == {**FIELDS, "Content-Security-Policy": CSP}
        assert {"set-cookie", "server", "access-control-allow-origin"}.isdisjoint(map(str.lower, answer.fields))


def test_the_name_reaches_every_browser(pages: Pages, links: list[str]) -> None:
    disposition = pages.client.get(links[3]).fields["Content-Disposition"]
    assert 'filename="____ 5; _____.svg"' in disposition
    assert disposition.endswith("*=UTF-8''%D0%A1%D1%87%D1%91%D1%82%205%3B%20%C2%AB%D0%B0%D0%BA%D1%82%C2%BB.svg")


def test_head_says_what_get_would(pages: Pages, links: list[str]) -> None:
    head, get = pages.client.ask("HEAD", links[0]), pages.client.get(links[0])
    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Length", "Content-Type", "Content-Disposition", "Content-Security-Policy"):
        assert head.fields[name] == get.fields[name]
    assert pages.client.ask("POST", links[0]).status == 405


def test_an_altered_link_tells_nothing(pages: Pages, links: list[str]) -> None:
    unknown = pages.client.get("/f/x")
    for link in (links[0][:-1], links[0] + "x", links[0].replace("/f/", "/a/"), "/f/", "/f/%00"):
        answer = pages.client.get(link)
        assert (answer.status, answer.body) == (404, unknown.body), link
        assert answer.fields["Content-Type"] == "text/html; charset=utf-8"


def test_after_thirty_days_an_honest_page_says_so(pages: Pages, links: list[str]) -> None:
    pages.clock.forward(timedelta(days=30) - timedelta(seconds=1))
    assert pages.client.get(links[0]).status == 200
    pages.clock.forward(timedelta(seconds=1))
    answer = pages.client.get(links[0])
    assert answer.status == 410
    assert "Срок ссылки истёк" in answer.text or "This link has expired" in answer.text
    assert "backup.zip" not in answer.text
    assert answer.fields["Content-Security-Policy"] == FIELDS["Content-Security-Policy"]
    assert pages.client.ask("HEAD", links[0]).status == 410


@contextmanager
def downloading(pages: Pages, link: str) -> Iterator[socket.socket]:
    """A client that has begun to fetch a file, with little room for what it does not read."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.settimeout(60)
        client.connect(("127.0.0.1", pages.client.port))
        client.sendall(f"GET {link} HTTP/1.1\r\nHost: 127.0.0.1:{pages.client.port}\r\n\r\n".encode())
        assert client.recv(12) == b"HTTP/1.1 200"
        yield client


def test_who_does_not_read_is_cut_and_his_place_is_free_again(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_AT_ONCE", 1)
    monkeypatch.setattr(server, "_REQUEST_SECONDS", 2.0)
    huge, page = sent(pages, ("huge.bin", "application/zip", HUGE), ("page.html", "text/html", PAGE))
    with downloading(pages, huge):
        refused = pages.client.get(page)
        assert (refused.status, "Retry-After" in refused.fields) == (503, True)
        until(lambda: pages.client.get(page).status == 200, "the place is free")


def test_one_link_takes_two_places_and_leaves_the_others(pages: Pages) -> None:
    huge, page = sent(pages, ("huge.bin", "application/zip", HUGE), ("page.html", "text/html", PAGE))
    with downloading(pages, huge), downloading(pages, huge):
        assert pages.client.get(huge).status == 503
        assert pages.client.get(page).status == 200


def test_a_slow_line_gets_its_file_to_the_end(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_REQUEST_SECONDS", 2.0)
    (huge,) = sent(pages, ("huge.bin", "application/zip", HUGE))
    started, got = time.monotonic(), 0
    with downloading(pages, huge) as client:
        while got < len(HUGE):
            data = client.recv(1 << 16)
            assert data, f"cut after {got} octets"
            got += len(data)
            # The line carries 4 MB a second, so that all of it takes three times as long as one buffer may.
            time.sleep(max(0.0, got / 4_000_000 - (time.monotonic() - started)))
    assert time.monotonic() - started > 4
