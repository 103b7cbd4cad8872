"""What the rules for threads promise, in the programs themselves: one ticket is one thread, two are two."""

import asyncio
from pathlib import Path

import pytest

from tests.desk.conversation import conversation
from tests.desk.test_one_thread import ask, by_ticket, ending, life, mailbox
from tests.desk.threading_programs import dovecot, mutt
from tests.values import BILLING_TEAM, IVAN

pytestmark = pytest.mark.system


@pytest.mark.parametrize("subjects", [("Re: Счёт", "Возврат"), ("Счёт", "Счёт")])
def test_dovecot_and_mutt_keep_a_ticket_together_and_two_apart(
    tmp_path: Path, folder: Path, subjects: tuple[str, str]
) -> None:
    # RFC 5256 §2.1 takes anything in brackets for no part of a subject: REFERENCES joins all tickets of one subject,
    # whatever their letters refer to.
    algorithm = "REFERENCES" if len(set(subjects)) == 2 else "REFS"

    async def main() -> None:
        async with conversation(tmp_path) as talk:
            for number, subject in enumerate(subjects, 1):
                await ask(talk, IVAN.address, "Где мой счёт?", subject)
                await life(talk, number, IVAN.address)
            await ending(talk, 1, 2)
            for reader in (IVAN.address, BILLING_TEAM):
                messages = mailbox(talk, reader)
                wanted = by_ticket(talk, messages)
                assert len(wanted) == 2
                assert dovecot(folder, messages, algorithm) == wanted
                assert mutt(folder, messages) == wanted

    asyncio.run(main())
