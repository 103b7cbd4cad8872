"""DKIM signatures: dkimpy's own verifier takes them, and nothing that a reader relies on can be changed."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest

from maild.mime.compose import Outgoing, OutgoingAttachment, compose
from maild.mime.sign import is_available, signer, unsigned
from tests.servers import require

SELECTOR, DOMAIN = "desk1", "desk.example"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An RSA key as openssl makes it."""
    require("openssl")
    path = tmp_path_factory.mktemp("dkim") / "dkim.key"
    subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def record(key: Path) -> bytes:
    """What DNS says of it."""
    public = subprocess.run(["openssl", "rsa", "-in", key, "-pubout"], check=True, capture_output=True).stdout.decode()
    return f"v=DKIM1; k=rsa; p={''.join(public.splitlines()[1:-1])}".encode()


def letter(**changes: object) -> bytes:
    fields: dict[str, object] = {
        "from_name": "Кактус",
        "from_address": "billing@desk.example",
        "to_name": "Иван",
        "to_address": "ivan@client.example",
        "reply_to": "billing+t1.aaaaaaaaaaaaaaaa@desk.example",
        "subject": "[#1] Не приходит счёт, хотя оплата прошла ещё третьего числа этого месяца",
        "date": datetime(2026, 11, 23, 11, 5, tzinfo=UTC),
        "message_id": "1.c.aaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbb@desk.example",
        "references": ("q1@client.example", "q2@client.example"),
        "text": "Добрый день!\n\n  Отступ.  \n\n\n",
        "html": "<p>Добрый день!</p>",
        "attachments": (OutgoingAttachment("счёт.pdf", "application/pdf", b"%PDF\r\n\x00\xff" * 500),),
        "auto_submitted": "auto-generated",
    }
    return compose(Outgoing(**{**fields, **changes}))  # type: ignore[arg-type]


def is_genuine(signed: bytes, record: bytes) -> bool:
    asked: list[bytes] = []

    def dns(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return record

    verdict = bool(dkim.verify(signed, dnsfunc=dns))
    assert asked == [f"{SELECTOR}._domainkey.{DOMAIN}.".encode()]
    return verdict


def test_a_signed_letter_is_genuine(key: Path, record: bytes) -> None:
    sign = signer(key.read_bytes(), SELECTOR)
    for plain in (letter(), letter(reply_to="", references=(), auto_submitted="", attachments=(), html="")):
        signed = sign(plain, DOMAIN)
        assert signed.endswith(plain), "one field above, the rest as it was"
        assert is_genuine(signed, record)
        head = signed.partition(b"\r\n\r\n")[0]
        assert max(map(len, head.split(b"\r\n"))) <= 998
        assert b"\n" not in head.replace(b"\r\n", b"")


def test_the_fields_a_reader_sees_are_signed_and_from_once_more(key: Path) -> None:
    signed = signer(key.read_bytes(), SELECTOR)(letter(), DOMAIN)
    tags = dict(tag.strip().split("=", 1) for tag in _value(signed).split(";"))
    named = re.sub(r"\s", "", tags["h"]).split(":")
    assert sorted(named) == sorted(
        "from from reply-to to subject date message-id in-reply-to references mime-version content-type"
        " auto-submitted".split()
    )
    assert (tags["c"], tags["d"], tags["s"], tags["a"]) == ("relaxed/relaxed", DOMAIN, SELECTOR, "rsa-sha256")


def _value(signed: bytes) -> str:
    field = re.match(rb"DKIM-Signature: ((?:.*\r\n[ \t])*.*)\r\n", signed)
    assert field is not None
    return field[1].decode().replace("\r\n", "")


@pytest.mark.parametrize(("old", "new"), [
    (b"\r\nSubject: ", b"\r\nSubject: x"),
    (b"\r\nFrom: ", b"\r\nFrom: <mallory@evil.example>\r\nFrom: "),
    (b"\r\nReply-To: ", b"\r\nReply-To: <mallory@evil.example>, "),
    (b"\r\nContent-Type: multipart/mixed", b"\r\nContent-Type: text/plain"),
    (b"--\r\n", b"--\r\nmore"),
])  # fmt: skip
def test_what_is_changed_on_the_way_is_seen(key: Path, record: bytes, old: bytes, new: bytes) -> None:
    signed = signer(key.read_bytes(), SELECTOR)(letter(), DOMAIN)
    assert old in signed
    assert not is_genuine(signed.replace(old, new, 1), record)


def test_relays_may_fold_anew_and_add_fields(key: Path, record: bytes) -> None:
    signed = signer(key.read_bytes(), SELECTOR)(letter(), DOMAIN)
    handed_on = b"Received: from a by b; Mon, 23 Nov 2026 11:05:00 +0000\r\n" + signed.replace(b",\r\n ", b", ")
    assert is_genuine(handed_on.replace(b"Subject: ", b"Subject:\r\n   ", 1), record)


def test_an_international_letter_is_signed_too(key: Path, record: bytes) -> None:
    wide = letter(to_address="иван@пример.example", smtputf8=True)
    assert not wide.isascii()
    assert is_genuine(signer(key.read_bytes(), SELECTOR)(wide, DOMAIN), record)


def test_a_key_may_have_windows_line_ends_and_the_old_form(key: Path, record: bytes) -> None:
    command = ["openssl", "rsa", "-in", str(key), "-traditional"]
    old = subprocess.run(command, check=True, capture_output=True).stdout
    assert b"BEGIN RSA PRIVATE KEY" in old
    assert is_genuine(signer(old.replace(b"\n", b"\r\n"), SELECTOR)(letter(), DOMAIN), record)


@pytest.mark.parametrize("content", [b"", b"secret", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    b"-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----\n"])  # fmt: skip
def test_what_is_no_key_is_refused_at_once(content: bytes) -> None:
    with pytest.raises(ValueError, match="not an RSA private key"):
        signer(content, SELECTOR)


def test_without_a_key_a_letter_stays_as_it_is() -> None:
    assert is_available()
    assert unsigned(letter(), DOMAIN) == letter()
