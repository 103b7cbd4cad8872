"""`trust.verify`: SPF, DKIM and DMARC asked of a real name server, at the door, within a time limit."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dkim
import pytest
from dns.resolver import Resolver

from maild.core.mail import Mailbox
from maild.core.trust import Trust, trust_in
from maild.mailin.lookup import Lookup
from maild.mailin.verify import Arrival, Verifier, check
from maild.mime.author import sole_author
from maild.mime.parse import parse
from maild.store import ledger
from tests.mailin.doors import LOOPBACK, open_door
from tests.names import SILENCE, TROUBLE, name_server
from tests.servers import require
from tests.values import make_envelope, make_mail, make_policy, make_trust

CLIENT, OTHER = "192.0.2.9", "198.51.100.7"
VERIFYING = make_policy(trust=make_trust(authserv_ids=(), verify=True))
SECONDS = 30.0  # nothing here takes one, but for silence


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    require("openssl")
    path = tmp_path_factory.mktemp("dkim") / "key"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, "1024"], check=True, capture_output=True)
    return path.read_bytes()


@pytest.fixture(scope="module")
def resolver(key: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resolver]:
    path = tmp_path_factory.mktemp("dkim") / "key"
    path.write_bytes(key)
    command = ["openssl", "rsa", "-in", str(path), "-pubout"]
    public = subprocess.run(command, check=True, capture_output=True).stdout.decode()
    record = f'"v=DKIM1; k=rsa; p={"".join(public.splitlines()[1:-1])}"'
    spf, dmarc = [f'"v=spf1 ip4:{CLIENT} include:_spf.esp.example -all"'], ['"v=DMARC1; " "p=reject"']
    zone = {
        ("client.example", "TXT"): [*spf, '"something else"'],
        ("_dmarc.client.example", "TXT"): dmarc,
        ("s1._domainkey.client.example", "TXT"): [record],
        ("_spf.esp.example", "TXT"): ['"v=spf1 a:out.esp.example ?all"'],
        ("out.esp.example", "A"): [OTHER],
        ("s1._domainkey.esp.example", "TXT"): [record],
        ("news.client.example", "TXT"): ['"v=spf1 mx -all"'],
        ("news.client.example", "MX"): ["10 mx.news.client.example."],
        ("mx.news.client.example", "A"): [CLIENT],
        ("lenient.example", "TXT"): ['"v=spf1 -all"'],
        ("_dmarc.lenient.example", "TXT"): ['"v=DMARC1; p=none"'],
        ("bare.example", "TXT"): [f'"v=spf1 ip4:{CLIENT} -all"'],
        ("troubled.example", "TXT"): TROUBLE,
        ("_dmarc.troubled.example", "TXT"): dmarc,
        ("_dmarc.unsure.example", "TXT"): TROUBLE,
        ("unsure.example", "TXT"): spf,
        ("silent.example", "TXT"): SILENCE,
        ("_dmarc.silent.example", "TXT"): SILENCE,
        ("endless.example", "TXT"): ['"v=spf1 include:endless.example -all"'],
        ("_dmarc.endless.example", "TXT"): dmarc,
        ("void.example", "TXT"): ['"v=spf1 a:a.void.example a:b.void.example a:c.void.example ip4:0.0.0.0/0 -all"'],
        ("broken.example", "TXT"): ['"v=spf1 ip4:nonsense %{ -all"'],
    }
    with name_server(zone) as found:
        yield found


def letter(author: str = "ivan@client.example", words: bytes = "Где мой счёт?".encode()) -> bytes:
    return f"From: Иван <{author}>\r\nTo: billing@desk.example\r\nSubject: x\r\n\r\n".encode() + words + b"\r\n"


def signed(key: bytes, domain: str = "client.example", raw: bytes = b"", **options: Any) -> bytes:
    raw = raw or letter()
    return bytes(dkim.sign(raw, b"s1", domain.encode(), key, include_headers=[b"from", b"from"], **options)) + raw


def results(
    resolver: Resolver,
    raw: bytes,
    sender: str = "ivan@client.example",
    *,
    client: str = OTHER,
    helo: str = "out.example",
) -> str:
    arrival = Arrival(raw, make_envelope(mail_from=sender, is_trusted_peer=False), client, helo)
    return check(arrival, Lookup(resolver, SECONDS))


def verdict(said: str, raw: bytes) -> Trust:
    return trust_in(parse(raw), make_envelope(is_trusted_peer=False, results=said), VERIFYING)


def test_spf_of_the_authors_domain_is_enough(resolver: Resolver) -> None:
    said = results(resolver, letter(), client=CLIENT)
    assert said == "maild; spf=pass smtp.mailfrom=client.example; dmarc=pass (p=reject) header.from=client.example"
    assert verdict(said, letter()) is Trust.VERIFIED


def test_a_signature_of_the_authors_domain_is_enough(resolver: Resolver, key: bytes) -> None:
    raw = signed(key)
    said = results(resolver, raw, "bounce@esp.example", client="203.0.113.1")
    assert "dkim=pass header.d=client.example; dmarc=pass" in said
    assert verdict(said, raw) is Trust.VERIFIED


def test_an_impostor_fails(resolver: Resolver, key: bytes) -> None:
    for raw in (
        letter(),
        signed(key, "esp.example"),
        signed(key).replace(b"Subject", b"X-A: b\r\nSubject") + b"more\r\n",
    ):
        said = results(resolver, raw, "bounce@esp.example", client="203.0.113.1")
        assert "dmarc=fail (p=reject)" in said
        assert verdict(said, raw) is Trust.FAILED


def test_an_included_sender_and_a_subdomains_mx_may_send(resolver: Resolver) -> None:
    assert "spf=pass" in results(resolver, letter(), client=CLIENT)
    assert "dmarc=fail" in results(resolver, letter(), client=OTHER.replace("7", "8"))
    news = letter("news@news.client.example")
    said = results(resolver, news, "bounce@news.client.example", client=CLIENT)
    assert "spf=pass" in said
    assert "dmarc=pass (p=reject) header.from=news.client.example" in said


@pytest.mark.parametrize(
    ("author", "client", "expected"),
    [
        ("ivan@lenient.example", CLIENT, Trust.UNVERIFIED),  # fails, p=none
        ("ivan@bare.example", CLIENT, Trust.VERIFIED),  # no DMARC, SPF aligned
        ("ivan@bare.example", OTHER, Trust.UNVERIFIED),
        ("ivan@nobody.example", CLIENT, Trust.UNVERIFIED),
        ("ivan@troubled.example", CLIENT, Trust.UNVERIFIED),  # SERVFAIL: perhaps he may
        ("ivan@unsure.example", CLIENT, Trust.UNVERIFIED),  # SERVFAIL for what he asks for
        ("ivan@endless.example", CLIENT, Trust.FAILED),  # a permanent error is no pass
        ("ivan@void.example", CLIENT, Trust.UNVERIFIED),
        ("ivan@broken.example", CLIENT, Trust.UNVERIFIED),
        ("ivan@example", CLIENT, Trust.UNVERIFIED),
        ("ivan@-..example", CLIENT, Trust.UNVERIFIED),
    ],
)
def test_what_a_domain_publishes_decides(resolver: Resolver, author: str, client: str, expected: Trust) -> None:
    raw = letter(author)
    assert verdict(results(resolver, raw, author, client=client), raw) is expected


def test_behind_a_relay_of_ours_only_signatures_can_be_checked(resolver: Resolver, key: bytes) -> None:
    assert "dmarc=temperror" in results(resolver, letter(), client="")
    assert "dmarc=pass" in results(resolver, signed(key), client="")


def test_a_signature_that_covers_only_the_beginning_counts_for_nothing(resolver: Resolver, key: bytes) -> None:
    raw = signed(key, length=True)
    assert "dkim=policy header.d=client.example" in results(resolver, raw + b"Pay to another account!\r\n")


def test_five_signatures_are_looked_at(resolver: Resolver, key: bytes) -> None:
    plain = letter()
    broken = b"DKIM-Signature: v=1; a=rsa-sha256; d=esp.example; s=s1; h=from; bh=AA==; b=AA==\r\n"
    for count, expected in ((4, "dmarc=pass"), (5, "dmarc=fail")):
        raw = broken * count + signed(key, raw=plain)
        assert expected in results(resolver, raw, "bounce@esp.example", client="203.0.113.1")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\r\n", b"From: a\r\n\r\n", b"DKIM-Signature: \r\nFrom: a@client.example\r\n\r\n",
        b"DKIM-Signature: v=1; d=\xff; s==; h=; b=!\r\n\r\n", b"\0" * 100, b"x\r\ny" * 10,
        b"DKIM-Signature: v=1; a=rsa-sha256; d=a b;x=1; s=s1; h=from; bh=AA==; b=AA==\r\nFrom: i@c.example\r\n\r\n",
    ],
)  # fmt: skip
def test_whatever_comes_gives_a_result(resolver: Resolver, raw: bytes) -> None:
    for sender in ("", "x", "a@b@c", "ivan@client.example", "иван@пример.рф", '"a b"@client.example', "a@[192.0.2.1]"):
        said = results(resolver, raw, sender, helo="[192.0.2.1]")
        assert said.startswith("maild; spf=")
        assert trust_in(make_mail(author=Mailbox("", "a@b.example")), make_envelope(results=said), VERIFYING) in Trust


def test_nothing_that_a_client_says_becomes_a_result(resolver: Resolver) -> None:
    said = results(resolver, letter(), "a@x;dmarc=pass(header.from=client.example", helo="x;dmarc=pass")
    assert "dmarc=pass" not in said


def test_the_author_is_the_one_whom_the_desk_will_see() -> None:
    for head in (
        "From: a@b.example", 'From: "x@evil.example" <a@b.example>', "From: a@b.example (c@d.example)",
        "From: <A@B.Example>",
        "From: a@b.example\r\nFrom: c@d.example", "From: a@b.example, c@d.example", "From:", "X: y",
        "From: =?utf-8?q?c=40d.example?= <a@b.example>", "From:\r\n a@b.example", "Sender: a@b.example",
    ):  # fmt: skip
        raw = f"{head}\r\n\r\nx".encode()
        mail = parse(raw)
        assert sole_author(raw) == (mail.author.address.lower() if mail.author and mail.is_author_sole else "")


def test_the_door_waits_no_longer_than_it_may_and_takes_the_mail(resolver: Resolver, tmp_path: Path) -> None:
    async def go() -> None:
        patience = iter((0.3, SECONDS))
        verifier = Verifier(lambda: Lookup(resolver, next(patience)), SECONDS)
        async with open_door(tmp_path, verifier=verifier) as scene:
            client = await (await scene.client()).greet()
            started = time.monotonic()
            assert "mail 1 " in await client.mail(letter("ivan@silent.example"), "billing@desk.example")
            assert time.monotonic() - started < SECONDS / 2
            assert "mail 2 " in await client.mail(letter("ivan@bare.example"), "billing@desk.example")
            await client.leave()
            silent, bare = [await scene.desk.store.run(ledger.load, mail) for mail in (1, 2)]
            assert "dmarc=temperror" in silent.arrivals[0].results
            assert bare.arrivals[0].results.startswith("maild; spf=")

    asyncio.run(go())


def test_a_check_that_hangs_is_left_behind(resolver: Resolver) -> None:
    class Stuck(Lookup):
        def records(self, name: str, kind: str) -> list[Any]:
            time.sleep(1)
            return []

    async def go() -> None:
        verifier = Verifier(lambda: Stuck(resolver, 9), 0.1)
        arrival = Arrival(letter(), make_envelope(), CLIENT, "x")
        assert await verifier.results(arrival) == "maild; dmarc=temperror"
        assert await verifier.results(Arrival(letter(), make_envelope(user="a@b.example"), CLIENT, "x")) == ""
        verifier.close()

    asyncio.run(go())


def test_a_client_that_a_relay_of_ours_names_is_checked(resolver: Resolver, tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(
            tmp_path, verifier=Verifier(lambda: Lookup(resolver, SECONDS)), trusted_peers=LOOPBACK
        ) as scene:
            client = await (await scene.client()).greet()
            assert (await client.ask(f"XFORWARD ADDR={CLIENT}")).startswith("250")
            await client.mail(letter(), "billing@desk.example")
            await client.mail(letter() + b"again\r\n", "billing@desk.example")
            await client.leave()
            named, hidden = [await scene.desk.store.run(ledger.load, mail) for mail in (1, 2)]
            assert "dmarc=pass" in named.arrivals[0].results
            assert "dmarc=temperror" in hidden.arrivals[0].results

    asyncio.run(go())
