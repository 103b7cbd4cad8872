"""What every answer carries, which names we answer to, and that nothing secret is written down."""

import logging
import socket

import pytest

from maild.core.tokens import Action
from maild.web.security import PORTAL_POLICY, allowed_hosts
from tests.web.conftest import Pages

FIELDS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def test_every_kind_of_answer_carries_the_same_header_fields(pages: Pages) -> None:
    link = pages.link(pages.solved_ticket(), Action.CONTINUE)
    client = pages.client
    answers = {
        200: client.get(link),
        403: client.post(link, nonce="x"),
        404: client.get("/a/x"),
        405: client.ask("DELETE", link),
        413: client.post(link, nonce="n" * 300_000),
        421: client.get(link, Host="evil.example"),
    }
    for status, answer in answers.items():
        assert answer.status == status
        assert {name: answer.fields[name] for name in FIELDS} == FIELDS, status
        assert {"set-cookie", "server"}.isdisjoint(name.lower() for name in answer.fields), status
    assert answers[200].fields["Content-Type"] == "text/html; charset=utf-8"


def test_every_answer_of_the_portal_carries_its_own_policy(pages: Pages) -> None:
    client = pages.client
    answers = [
        (404, client.get("/nothing")),
        (303, client.get("/t/1")),
        (303, client.get("/access")),
        (405, client.get("/logout")),
        (405, client.ask("DELETE", "/t/1")),
        (413, client.post("/login", email="n" * 1_100_000)),
        (421, client.get("/", Host="evil.example")),
        (200, client.get("/static/ask.js")),
    ]
    for status, answer in answers:
        assert (answer.status, answer.fields["Content-Security-Policy"]) == (status, PORTAL_POLICY)
    logout = answers[3][1]
    assert (logout.fields["Allow"], logout.fields["Content-Type"]) == ("POST", "text/html; charset=utf-8")
    assert "Ничего не изменилось" in logout.text


def test_the_answer_to_head_is_that_of_get_without_a_body(pages: Pages) -> None:
    link = pages.link(pages.solved_ticket(), Action.CONTINUE)
    with socket.create_connection(("127.0.0.1", pages.client.port), 5) as connection:
        host = f"Host: 127.0.0.1:{pages.client.port}\r\n"
        connection.sendall(f"HEAD {link} HTTP/1.1\r\n{host}Connection: close\r\n\r\n".encode())
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b""
    wanted = len(pages.client.get(link).body)
    assert f"content-length: {wanted}".encode() in head.lower()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_told_which_there_are(pages: Pages, method: str) -> None:
    answer = pages.client.ask(method, pages.link(pages.solved_ticket(), Action.SOLVED))
    assert answer.status == 405
    assert sorted(answer.fields["Allow"].split(", ")) == ["GET", "HEAD", "POST"]


@pytest.mark.parametrize(
    "name", ["evil.example", "localhost", "127.0.0.1", "localhost.evil.example", "127.0.0.1:1", ""]
)
def test_a_foreign_host_name_is_misdirected(pages: Pages, name: str) -> None:
    link = pages.link(pages.solved_ticket(), Action.CONTINUE)
    nonce = pages.nonce(link)
    assert pages.client.get(link, Host=name).status == 421
    form = {"Content-Type": "application/x-www-form-urlencoded", "Host": name}
    assert pages.client.ask("POST", link, f"nonce={nonce}".encode(), form).status == 421
    assert pages.client.get("/static/style.css", Host=name).status == 421


@pytest.mark.parametrize("name", ["localhost:{}", "127.0.0.1:{}", "[::1]:{}", "LocalHost:{}"])
def test_on_loopback_all_its_names_are_ours(pages: Pages, name: str) -> None:
    assert pages.client.get("/static/style.css", Host=name.format(pages.client.port)).status == 200


def test_the_hosts_of_a_desk_are_those_of_its_public_url() -> None:
    assert allowed_hosts("https://Help.example", [("0.0.0.0", 80)]) == {"help.example", "help.example:443"}
    assert allowed_hosts("https://help.example:8443", [("10.0.0.1", 80)]) == {"help.example:8443"}
    assert allowed_hosts("http://[::1]:8080", []) == {"[::1]:8080"}
    local = {"127.0.0.1:8080", "localhost:8080", "[::1]:8080"}
    assert allowed_hosts("", [("127.0.0.1", 8080)]) == local
    assert allowed_hosts("http://127.0.0.1:9", [("127.0.0.1", 8080)]) == {*local, "127.0.0.1:9"}
    assert {"localhost", "localhost:80"} <= allowed_hosts("", [("::1", 80)])


def test_the_style_sheet_may_be_kept_and_asked_for_again(pages: Pages) -> None:
    first = pages.client.get("/static/style.css")
    assert (first.status, first.fields["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert first.fields["Cache-Control"] == "public, max-age=3600"
    again = pages.client.get("/static/style.css", **{"If-None-Match": first.fields["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert pages.client.get("/static/../secret").status == 404
    assert pages.client.get("/static/").status == 404


def test_the_log_never_holds_a_token(pages: Pages, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    link = pages.link(pages.solved_ticket(), Action.CONTINUE)
    nonce = pages.nonce(link)
    pages.client.post(link, nonce="x")
    pages.client.post(link, nonce=nonce)
    pages.client.get(f"{link}x")
    pages.desk.store.run_now(lambda tx: tx.run("ALTER TABLE tickets RENAME TO gone"))
    assert pages.client.get(link).status == 503
    said = "\n".join(record.getMessage() for record in caplog.records) + caplog.text
    assert link.removeprefix("/a/") not in said
    assert nonce not in said
