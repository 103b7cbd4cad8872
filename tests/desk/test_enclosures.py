"""Letters larger than the relay takes: what does not fit becomes links of the reader's own, or is left out."""

import asyncio
import os
import re
from collections.abc import Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from maild.core.errors import BadLink
from maild.core.tokens import FileClaim, file_token, read_file_token
from maild.desk.enclosures import LINK_AGE, content_of, left_out, look_for_file
from maild.desk.letters import freeze, sent_copy
from maild.desk.receive import receive_waiting
from maild.mime.compose import encoded_size
from maild.store import lists, outbox
from tests.desk.conversation import Conversation, Written, conversation, opened
from tests.values import ANNA, BILLING, BILLING_TEAM, BORDER, IVAN, OLGA

LINK = re.compile(r"https://desk\.example/f/(\S+)")
LIMIT = 200_000
SMALL, LARGE = os.urandom(20_000), os.urandom(300_000)


async def send(talk: Conversation, author: str, to: Written | None, words: str, files: Mapping[str, bytes]) -> None:
    """A mail with files; an answer if `to` is given."""
    mail = EmailMessage()
    domain = author.partition("@")[2]
    mail["Authentication-Results"] = f"{BORDER}; dmarc=pass header.from={domain}"
    mail["From"], mail["To"], mail["Subject"] = author, BILLING, "Счёт"
    mail["Message-ID"] = f"<{len(talk.sent)}.{len(files)}@{domain}>"
    rcpt = BILLING
    if to is not None:
        mail["In-Reply-To"] = str(to.message["Message-ID"])
        rcpt = re.findall(r"[^\s<>]+@[^\s<>]+", str(to.message["Reply-To"] or to.message["From"]))[-1]
    mail.set_content(words)
    for name, content in files.items():
        mail.add_attachment(content, maintype="application", subtype="zip", filename=name)
    await talk.take(mail.as_bytes(policy=mail.policy.clone(linesep="\r\n")), mail_from=author, rcpt_tos=(rcpt,))
    await receive_waiting(talk.desk)


async def answered(talk: Conversation, files: Mapping[str, bytes], words: str = "Держите.") -> Written:
    """Support answers with files; the letter to Ivan."""
    team, _ = await opened(talk)
    await send(talk, BILLING_TEAM, team, words, files)
    return next(one for one in await talk.letters() if one.row.to_address == IVAN.address)


def names(letter: Written) -> list[str | None]:
    return [part.get_filename() for part in letter.message.iter_attachments()]


def limits(**policy: Any) -> dict[str, Any]:
    return {"max_letter": LIMIT, **policy}


def test_what_does_not_fit_becomes_a_link_and_the_rest_goes_along(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **limits()) as talk:
            letter = await answered(talk, {"акт.zip": SMALL, "архив.zip": LARGE})
            assert len(letter.data) <= LIMIT
            assert names(letter) == ["акт.zip"]
            (token,) = LINK.findall(letter.text)
            assert f"https://desk.example/f/{token}" in letter.everything
            assert "архив.zip" in letter.text
            claim = read_file_token(talk.desk.keys, token)
            assert claim is not None
            assert (claim.person, claim.until) == (IVAN.address, letter.row.created_at + LINK_AGE)
            assert "23 декабря 2026 г." in letter.text, "until when, in words"
            view = await look_for_file(talk.desk, token)
            assert view.file is not None
            assert (view.file.name, view.language) == ("архив.zip", "ru")
            assert await content_of(talk.desk, view) == LARGE

    asyncio.run(main())


def test_a_letter_that_fits_is_left_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **limits(max_letter=encoded_size(len(LARGE)) + 60_000)) as talk:
            letter = await answered(talk, {"архив.zip": LARGE})
            assert names(letter) == ["архив.zip"]
            assert not LINK.search(letter.everything)

    asyncio.run(main())


def test_support_gets_links_of_its_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **limits()) as talk:
            await send(talk, IVAN.address, None, "Вот журнал.", {"журнал.zip": LARGE})
            team, ack = await talk.letters()
            assert (names(team), names(ack)) == ([], [])
            (token,) = LINK.findall(team.text)
            claim = read_file_token(talk.desk.keys, token)
            assert claim is not None
            assert claim.person == BILLING_TEAM
            assert not LINK.search(ack.everything), "nobody gets his own back"
            assert (await look_for_file(talk.desk, token)).file is not None

    asyncio.run(main())


def test_without_public_url_files_are_named_and_the_team_is_told_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **limits(public_url="")) as talk:
            team, _ = await opened(talk)
            await send(talk, BILLING_TEAM, team, "Держите.", {"акт.zip": SMALL, "архив.zip": LARGE})
            [row] = await talk.desk.store.run(outbox.claim, talk.clock(), 9)
            first, again = await freeze(talk.desk, row), await freeze(talk.desk, row)
            assert first.frozen == again.frozen
            rows = [one for one in talk.desk.store.read_now(outbox.rows) if one.letter == "left_out"]
            assert [one.to for one in rows] == [BILLING_TEAM]
            [told] = await talk.letters()
            assert told.kind == ("left_out", BILLING_TEAM)
            assert "архив.zip" in told.text
            assert "акт.zip" not in told.text
            assert IVAN.address in told.text
            events = talk.desk.store.read_now(lists.events_of, 1)
            assert (events[-1].event, events[-1].reason) == ("delivery_failed", "left out, too large: архив.zip")

    asyncio.run(main())


def test_the_customer_reads_which_files_are_missing(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **limits(public_url="")) as talk:
            letter = await answered(talk, {"акт.zip": SMALL, "архив.zip": LARGE})
            assert names(letter) == ["акт.zip"]
            assert re.search(r"архив\.zip \([^)]*\), слишком большой файл, в письмо не вошёл", letter.text)
            assert talk.status(1) == "pending"

    asyncio.run(main())


def test_a_link_is_good_for_its_reader_and_its_message_only(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **limits()) as talk:
            team, _ = await opened(talk)
            await send(talk, BILLING_TEAM, team, "#note Только для нас.", {"архив.zip": LARGE})
            note = talk.desk.store.read_now(
                lambda tx: tx.one("SELECT id, attachments FROM messages WHERE is_note = TRUE")
            )
            assert note is not None
            until = talk.clock() + LINK_AGE

            async def opens(message: int, part: int, person: str) -> bool:
                token = file_token(talk.desk.keys, FileClaim(message, part, person, until))
                try:
                    return (await look_for_file(talk.desk, token)).file is not None
                except BadLink:
                    return False

            assert await opens(note[0], 1, BILLING_TEAM)
            assert await opens(note[0], 1, ANNA)
            assert not await opens(note[0], 1, IVAN.address), "a note is not for customers"
            assert not await opens(note[0], 1, OLGA.address)
            assert not await opens(note[0], 7, ANNA)
            assert not await opens(note[0] + 1, 1, ANNA)
            with pytest.raises(BadLink):
                await look_for_file(talk.desk, "x.y")

    asyncio.run(main())


def test_a_link_ends_after_thirty_days_to_the_second(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **limits()) as talk:
            letter = await answered(talk, {"архив.zip": LARGE})
            (token,) = LINK.findall(letter.text)
            talk.clock.moment = letter.row.created_at + LINK_AGE
            assert (await look_for_file(talk.desk, token)).file is None

    asyncio.run(main())


@pytest.mark.parametrize(("sizes", "room", "left"), [
    ({}, 0, set()),
    ({0: 10}, 0, {0}),
    ({0: 10}, encoded_size(10), set()),
    ({0: 10}, encoded_size(10) - 1, {0}),
    ({0: 9000, 1: 10, 2: 10}, encoded_size(10) * 2, {0}),
    ({0: 9000, 1: 10, 2: 10}, encoded_size(10), {0, 2}),
    ({0: 10}, -5, {0}),
])  # fmt: skip
def test_as_many_files_as_fit_the_smallest_first(sizes: dict[int, int], room: int, left: set[int]) -> None:
    assert left_out(sizes, room) == left


def test_the_copy_in_sent_is_no_larger_than_what_was_sent(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **limits()) as talk:
            letter = await answered(talk, {"large.zip": LARGE})
            copy = await sent_copy(talk.desk, letter.row, BILLING_TEAM)
            assert len(copy) < LIMIT
            body = message_from_bytes(copy, policy=default).get_body(("plain",))
            assert body is not None
            (token,) = LINK.findall(body.get_content())
            claim = read_file_token(talk.desk.keys, token)
            assert claim is not None
            assert claim.person == BILLING_TEAM
            assert (await look_for_file(talk.desk, token)).file is not None

    asyncio.run(main())
