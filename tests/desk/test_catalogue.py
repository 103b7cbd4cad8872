"""Whoever writes to the general address learns what else he could have written to."""

import asyncio
from pathlib import Path

from maild.desk.catalogue import catalogue
from tests.desk.conversation import conversation
from tests.values import IVAN, make_policy


def test_the_acknowledgement_of_the_general_address_lists_categories_and_topics(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await talk.mail(IVAN.address, "Где мой счёт?", to="help@desk.example")
            general = (await talk.letters())[-1]
            assert "tech: tech@desk.example\n  Возврат: tech+refund@desk.example\n" in general.text
            assert 'href="mailto:billing+refund@desk.example"' in general.everything
            await talk.mail(IVAN.address, "А где второй?")
            assert "tech@desk.example" not in (await talk.letters())[-1].everything

    asyncio.run(main())


def test_without_plus_addresses_a_topic_is_a_tag_in_the_subject() -> None:
    first = catalogue(make_policy(subaddress=False), "en")[0]
    assert first["topics"] == [
        {
            "title": "Refund",
            "address": "billing@desk.example",
            "mailto": "mailto:billing@desk.example?subject=%5Brefund%5D%20",
        }
    ]
