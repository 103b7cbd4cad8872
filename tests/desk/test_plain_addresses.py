"""A desk at a provider that knows no plus-addresses and forces the envelope sender: one address for everything."""

import asyncio
import re
from datetime import timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from maild.desk.letters import freeze
from maild.desk.notices import announce_holds
from maild.desk.receive import receive_waiting
from maild.store import outbox
from tests.desk.conversation import Conversation, Written, conversation, opened
from tests.values import ANNA, BILLING, BILLING_TEAM, BORDER, IVAN, OLGA, WINDOW, make_trust

PLAIN: dict[str, Any] = {"subaddress": False, "verp": False}
TOKEN = re.compile(r"\+[tb]\d+\.")


def mailtos(letter: Written) -> dict[str, tuple[str, str, str]]:
    """Address, subject and body of the two ready mails, by action."""
    html = letter.message.get_body(("html",))
    assert html is not None
    found = {}
    for url in re.findall(r'href="(mailto:[^"]+body[^"]+)"', str(html.get_content()).replace("&amp;", "&")):
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        found[query["body"][0].lstrip("#")] = (unquote(parts.path), query["subject"][0], query["body"][0])
    return found


async def send_ready(
    talk: Conversation, letter: Written, action: str, author: str = IVAN.address, **changes: str
) -> int:
    """Press a ready mail and send it, as it is or changed."""
    to, subject, body = mailtos(letter)[action]
    return await talk.mail(author, changes.get("body", body), to=to, subject=changes.get("subject", subject))


async def solved(talk: Conversation) -> Written:
    """The solved letter of Ivan's ticket."""
    team, _ = await opened(talk)
    await talk.reply(team, BILLING_TEAM, "#решено\n\nГотово.")
    [letter] = await talk.letters()
    return letter


def test_every_letter_comes_from_the_one_address_and_threads_hold(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **PLAIN) as talk:
            team, _ = await opened(talk)
            assert "Иван" in team.message["From"] or IVAN.address in team.message["From"]
            await talk.reply(team, BILLING_TEAM, "Держите.")
            [answer] = await talk.letters()
            assert (answer.kind, talk.status(1)) == (("answer", IVAN.address), "pending"), "relayed by signed reference"
            await talk.reply(answer, IVAN.address, "Это не тот счёт.")
            [message] = await talk.letters()
            assert (message.kind, talk.status(1)) == (("new_message", BILLING_TEAM), "open")
            await talk.reply(message, ANNA, "#решено\n\nА этот?")
            written = await talk.letters()
            assert {one.kind for one in written} == {("copy", BILLING_TEAM), ("solved", IVAN.address)}
            for one in talk.sent:
                assert one.row.mail_from == BILLING
                assert parseaddr(one.message["From"])[1] == BILLING
                assert parseaddr(one.message["Reply-To"] or BILLING)[1] == BILLING
                assert not TOKEN.search(one.everything), "no address with a token anywhere"

    asyncio.run(main())


@pytest.mark.parametrize(("action", "status", "events"), [
    ("solved", "solved", ["customer_wrote", "confirmed"]), ("continue", "open", ["customer_wrote", "reopened"]),
])  # fmt: skip
def test_a_ready_mail_acts_by_the_code_in_its_subject(
    tmp_path: Path, action: str, status: str, events: list[str]
) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **PLAIN, trust=make_trust(authserv_ids=())) as talk:
            await talk.mail(IVAN.address, "Где мой счёт?")
            await talk.letters()
            letter = await spoken_solved(talk)
            mail = await send_ready(talk, letter, action)
            assert talk.row(mail).reason == "signed code in the subject"
            assert (talk.row(mail).ticket, talk.status(1)) == (1, status), "confirmed, although nobody verifies senders"
            assert talk.events(1)[-2:] == events
            assert reasons(talk)[-1] == "by_mailto"

    asyncio.run(main())


async def spoken_solved(talk: Conversation) -> Written:
    """Solved from the command line, for in open trust nobody is an agent by mail."""
    from maild.desk.act import speak  # noqa: PLC0415

    await speak(talk.desk, 1, "cli:root@t", words="Готово.", solves=True)
    return next(one for one in await talk.letters() if one.row.letter == "solved")


def reasons(talk: Conversation) -> list[str]:
    return talk.desk.store.read_now(
        lambda tx: [str(row[0]) for row in tx.all("SELECT reason FROM events WHERE ticket = 1 ORDER BY id")]
    )


def test_the_code_acts_without_the_body_but_never_against_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **PLAIN) as talk:
            letter = await solved(talk)
            await send_ready(talk, letter, "continue", body="")
            assert talk.status(1) == "open"
            await send_ready(talk, letter, "solved", body="Нет, всё ещё не работает: теперь ошибка 17.")
            assert talk.status(1) == "open", "the words count"
            await send_ready(talk, letter, "solved", body="Спасибо!")
            assert talk.status(1) == "solved"
            await send_ready(talk, letter, "solved", body="#продолжить")
            assert talk.status(1) == "open", "the command in the body is newer than the subject"

    asyncio.run(main())


def test_an_altered_code_or_another_persons_counts_for_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **PLAIN) as talk:
            letter = await solved(talk)
            subject = mailtos(letter)["continue"][1]
            altered = subject[:-1] + ("a" if subject[-1] != "a" else "b")
            mail = await send_ready(talk, letter, "continue", OLGA.address, body="Продолжим", subject=altered)
            assert talk.row(mail).reason == "new question: the ticket it names is not the author's"
            mail = await send_ready(talk, letter, "continue", OLGA.address, body="Продолжим")
            assert talk.row(mail).ticket != 1, "the code is Ivan's"
            of_other_action = subject.replace("continue-", "solved-")
            mail = await send_ready(talk, letter, "continue", OLGA.address, body="Продолжим", subject=of_other_action)
            assert talk.row(mail).ticket != 1
            assert talk.status(1) == "solved"
            subjects = talk.desk.store.read_now(lambda tx: [row[0] for row in tx.all("SELECT subject FROM tickets")])
            assert not any("continue-" in one or "solved-" in one for one in subjects), "codes are not carried on"

    asyncio.run(main())


def test_a_ready_mail_that_failed_authentication_is_held(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **PLAIN) as talk:
            letter = await solved(talk)
            to, subject, body = mailtos(letter)["continue"]
            raw = (
                f"Authentication-Results: {BORDER}; dmarc=fail header.from=client.example\r\n"
                f"From: {IVAN.address}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <f@x>\r\n\r\n{body}\r\n"
            ).encode()
            mail = await talk.take(raw)
            await receive_waiting(talk.desk)
            assert (talk.row(mail).state, talk.status(1)) == ("held", "solved")

    asyncio.run(main())


def test_an_old_ready_mail_after_the_close_is_refused_and_explained(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **PLAIN) as talk:
            letter = await solved(talk)
            talk.clock.forward(WINDOW + timedelta(seconds=1))
            await send_ready(talk, letter, "continue")
            assert [one.kind for one in await talk.letters()] == [("closed", IVAN.address)]
            assert talk.status(1) in ("solved", "closed")

    asyncio.run(main())


def dsn(letter: Written, to: str, status: str = "5.1.1") -> bytes:
    """As an MTA returns a letter: with its header section (RFC 3464)."""
    head = letter.data.partition(b"\r\n\r\n")[0].decode()
    report = EmailMessage()
    report["From"], report["To"], report["Subject"] = "MAILER-DAEMON@mx.example", BILLING, "Undelivered Mail"
    report["Message-ID"] = f"<dsn{letter.row.id}@mx.example>"
    fields = "\r\n".join(f"{name}: {value}" for name, value in report.items())
    return (
        f"{fields}\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="d"\r\n\r\n'
        "--d\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--d\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: {status}\r\n"
        f"--d\r\nContent-Type: text/rfc822-headers\r\n\r\n{head}\r\n--d--\r\n"
    ).encode()


def test_a_bounce_is_matched_by_our_message_id(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **PLAIN) as talk:
            letter = await solved(talk)
            mail = await talk.take(dsn(letter, IVAN.address), mail_from="", rcpt_tos=(BILLING,))
            await receive_waiting(talk.desk)
            assert (talk.row(mail).ticket, talk.row(mail).kind, talk.row(mail).state) == (1, "bounce", "done")
            assert talk.events(1)[-2:] == ["bounce", "reopened"]
            rows = {row.id: row for row in talk.desk.store.read_now(outbox.rows)}
            assert (rows[letter.row.id].state, rows[letter.row.id].last_reply) == ("failed", "bounced 5.1.1")
            told = await talk.letters()
            assert [one.kind for one in told] == [("delivery_failed", BILLING_TEAM)]

    asyncio.run(main())


def test_notices_too_have_the_sender_that_the_provider_wants(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **PLAIN) as talk:
            await talk.take(b"Subject: nobody\r\n\r\nx\r\n", mail_from="a@b.example")
            await receive_waiting(talk.desk)
            assert await announce_holds(talk.desk) == 1
            [row] = await talk.desk.store.run(outbox.claim, talk.clock(), 9)
            assert (await freeze(talk.desk, row)).mail_from == BILLING

    asyncio.run(main())
