"""The letters of a trial as pages: all of them, newest first, looked at as safely as a mail program would."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from maild.core.letter import Letter
from maild.mime.compose import Outgoing, compose
from maild.mime.render import Renderer, templates_dir
from maild.mime.samples import sample_context
from maild.web.letters import letters_app
from tests.web.serving import Client, listen, local_hosts, serving

RENDERER = Renderer(templates_dir())
LINK = "https://help.kaktus.example/a/eyJ0IjoxMDQyLCJhIjoic29sdmVkIn0.aWx5"
AT = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)


def write(maildir: Path, folder: str, name: str, letter: Letter, age: int) -> None:
    """One letter, so many minutes old."""
    rendered = RENDERER.letter(letter, "ru", sample_context(letter, "ru"))
    outgoing = Outgoing(
        from_name="Кактус",
        from_address="billing@kaktus.example",
        to_name="Иван",
        to_address="ivan@firma.example",
        reply_to="billing+t1042.k7wq3n5x@kaktus.example",
        subject=rendered.subject,
        date=AT - timedelta(minutes=age),
        message_id=f"{name.partition(':')[0]}@kaktus.example",
        references=(),
        text=rendered.text,
        html=rendered.html,
        auto_submitted="",
    )
    path = maildir / folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(compose(outgoing))
    moment = AT.timestamp() - age * 60
    os.utime(path, (moment, moment))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    write(tmp_path, "new", "2.b", Letter.ANSWER, 5)
    write(tmp_path, "cur", "1.a:2,S", Letter.ACKNOWLEDGEMENT, 60)
    bound = listen()
    app = letters_app(
        tmp_path,
        RENDERER,
        "ru",
        hosts=local_hosts(bound),
        static=templates_dir() / "static",
        name="Кактус",
        timezone="Europe/Moscow",
    )
    with serving(app, bound):
        yield Client(bound.getsockname()[1])


def test_the_index_lists_letters_newest_first_with_their_links(client: Client) -> None:
    page = client.get("/").text
    assert 0 < page.index("/letters/2.b") < page.index("/letters/1.a")
    assert "billing@kaktus.example" in page
    assert "ivan@firma.example" in page
    assert "14:05" not in page
    assert "14:00" in page
    assert f'<a href="{LINK}.s">Спасибо, проблема решена</a>' in page
    assert f'<a href="{LINK}.c">Проблема не решена, продолжить общение</a>' in page


def test_a_letter_stands_in_a_frame_without_rights(client: Client) -> None:
    page = client.get("/letters/2.b")
    assert page.status == 200
    assert 'src="/letters/2.b/html"' in page.text
    assert 'sandbox="allow-top-navigation-by-user-activation"' in page.text
    assert f'<a href="{LINK}.s">' in page.text
    letter = client.get("/letters/2.b/html")
    assert "script-src" not in letter.fields["Content-Security-Policy"]
    assert letter.fields["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert letter.text.count('<head><base target="_top">') == 1
    assert "Добрый день, Иван!" in letter.text


def test_nothing_but_letters_is_served(client: Client, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    for path in ("/letters/3.c", "/letters/..%2fsecret", "/letters/%2e%2e/secret", "/letters/", "/letters/3.c/html"):
        assert client.get(path).status == 404, path
    assert client.get("/", Host="evil.example").status == 421
