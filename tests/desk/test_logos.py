"""A logo below a signature comes with every mail; it goes on once."""

import asyncio
from email.message import EmailMessage
from pathlib import Path

from maild.desk.receive import receive_waiting
from maild.store import lists
from tests.desk.conversation import Conversation, Written, conversation
from tests.values import BILLING, BORDER, IVAN

LOGO, SCREEN = b"\x89PNG\r\n\x1a\n logo", b"\x89PNG\r\n\x1a\n screen"


def with_pictures(number: int, *, answers: str = "", screen: bytes = b"") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = IVAN.address, BILLING, "Счёт"
    mail["Message-ID"] = f"<p{number}@client.example>"
    if answers:
        mail["In-Reply-To"] = answers
    mail.set_content("Вот.")
    mail.add_alternative('<p>Вот.</p><img src="cid:logo@x">', subtype="html")
    html = mail.get_payload()[1]  # type: ignore[index]
    html.add_related(LOGO, "image", "png", cid="<logo@x>", filename="logo.png")  # type: ignore[union-attr]
    if screen:
        mail.add_attachment(screen, "image", "png", filename="screen.png")
    results = (
        f"Authentication-Results: {BORDER}; dmarc=pass header.from=client.example\r\nReceived: from x by {BORDER}\r\n"
    )
    return results.encode() + mail.as_bytes().replace(b"\n", b"\r\n")


async def told(talk: Conversation, raw: bytes) -> Written:
    await talk.take(raw, mail_from=IVAN.address, rcpt_tos=(BILLING,))
    await receive_waiting(talk.desk)
    return (await talk.letters())[0]


def names_in(letter: Written) -> list[str | None]:
    return [part.get_filename() for part in letter.message.walk() if part.get_filename()]


def test_a_logo_goes_to_the_team_once_and_a_new_picture_each_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            first = await told(talk, with_pictures(1))
            assert names_in(first) == ["logo.png"]
            second = await told(talk, with_pictures(2, answers="<p1@client.example>", screen=SCREEN))
            assert second.row.ticket == 1
            assert names_in(second) == ["screen.png"]
            assert "logo.png" not in second.text
            shown = talk.desk.store.read_now(lists.messages_of, 1)
            assert [[file.name for file in message.attachments] for message in shown] == [
                ["logo.png"],
                ["logo.png", "screen.png"],
            ], "nothing is lost: the history lists it"

    asyncio.run(main())
