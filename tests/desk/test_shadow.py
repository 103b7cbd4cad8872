"""What would become of a mail is told by the rules themselves, and nothing comes of it."""

import asyncio
from pathlib import Path

from maild.desk.shadow import foresee
from maild.store import ledger, lists, outbox
from tests.desk.conversation import conversation, opened
from tests.values import BILLING, BILLING_TEAM, BORDER, IVAN, NOW, OLGA, make_envelope

HEAD = f"Authentication-Results: {BORDER}; dmarc=pass header.from=client.example\r\n"


def test_a_question_an_answer_and_a_robot_are_foreseen_and_nothing_is_written(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await opened(talk)
            before = [talk.desk.store.read_now(read) for read in (ledger.rows, lists.ticket_rows, outbox.rows)]

            async def told(author: str, *fields: str) -> str:
                raw = "\r\n".join([f"{HEAD}From: {author}", *fields, "Subject: x", "", "Слова", ""]).encode()
                envelope = make_envelope(mail_from=author, rcpt_tos=(BILLING,), received_at=NOW)
                return (await foresee(talk.desk, raw, envelope)).words

            assert await told(OLGA.address) == (
                "would go to a new ticket in billing (new question; verified), letters: new_ticket, acknowledgement"
            )
            assert await told(IVAN.address, "In-Reply-To: <m1@client.example>") == (
                "would go to ticket 1 (refers to a message of the ticket; verified), letters: new_message"
            )
            assert (await told(OLGA.address, "Auto-Submitted: auto-replied")).startswith(
                "would be held (automatic mail"
            )
            assert (await told(BILLING_TEAM)).startswith("would be held (claims to be an agent")
            assert [talk.desk.store.read_now(read) for read in (ledger.rows, lists.ticket_rows, outbox.rows)] == before

    asyncio.run(main())
