"""The grammar of orders, in both languages and as mail programs mangle it (SPEC section 8)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.core.commands import Command, read_commands
from maild.core.orders import (
    Assign,
    Invite,
    Merge,
    Move,
    Order,
    Prioritise,
    Snooze,
    Spam,
    Tag,
    Towards,
    Trouble,
    UseMacro,
    read_order,
)
from maild.core.words import Word
from tests.values import make_policy

POLICY = make_policy()


def order(line: str) -> Order | Trouble | None:
    [command] = read_commands(line).commands
    return read_order(command, POLICY)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("#assign anna@office.example", Assign("anna@office.example")),
        ("#assign Anna <ANNA@Office.example>", Assign("anna@office.example")),
        ("#назначить anna@office.example <mailto:anna@office.example>", Assign("anna@office.example")),
        ("#assign anna@почта.рф", Assign("anna@xn--80a1acny.xn--p1ai")),
        ("#move tech", Move("tech", "")),
        ("#переместить Tech / Refund", Move("tech", "refund")),
        ("#move billing/Возврат", Move("billing", "refund")),
        ("#merge 12", Merge(12)),
        ("#объединить [Кактус #12]", Merge(12)),
        ("#объединить №12", Merge(12)),
        ("#tag +a -b", Tag(("a",), ("b",))),
        ("#метка +Срочно, −b", Tag(("срочно",), ("b",))),
        ("#priority HIGH", Prioritise("high")),
        ("#приоритет обычный", Prioritise("normal")),
        ("#cc accept", Invite(None)),
        ("#копия принять", Invite(None)),
        ("#cc a@x.example, b@y.example", Invite(("a@x.example", "b@y.example"))),
        ("#snooze 2d", Snooze(timedelta(days=2))),
        ("#отложить 3 недели", Snooze(timedelta(weeks=3))),
        ("#отложить 30 мин.", Snooze(timedelta(minutes=30))),
        ("#spam", Spam()),
        ("#шаблон возврат", UseMacro("возврат")),
        ("#клиент Иван <ivan@client.example>", Towards("ivan@client.example")),
        ("#solved", None),
        ("#ask", None),
        ("#open", None),
    ],
)
def test_an_order_is_read(line: str, wanted: Order | None) -> None:
    assert order(line) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "#assign", "#assign anna", "#assign a@x.example b@x.example", "#move", "#move nowhere", "#move tech/nothing",
        "#move tech/", "#merge", "#merge x", "#merge 0", "#merge 1 2", "#merge -1", "#tag", "#tag a", "#tag +a -a",
        "#tag +", "#priority", "#priority urgent", "#cc", "#cc olga", "#snooze", "#snooze 2", "#snooze d",
        "#snooze 0d", "#snooze 9999w", "#snooze -2d", "#macro", "#customer", "#customer x",
    ],
)  # fmt: skip
def test_wrong_or_missing_arguments_are_trouble(line: str) -> None:
    assert isinstance(order(line), Trouble)


@given(st.sampled_from(list(Word)), st.text(max_size=60))
def test_no_argument_breaks_the_reader(word: Word, argument: str) -> None:
    read_order(Command(word, argument), POLICY)
