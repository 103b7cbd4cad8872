"""Nobody's token travels in words that others read."""

import re
import time

import pytest

from maild.core.scrub import without_tokens
from tests.values import make_policy

POLICY = make_policy(public_url="https://help.desk.example")
CODE = "s5kj3rpeluqdyjq4"


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (f"via Кактус (billing+t11.{CODE}@desk.example) kirjoitti:", "via Кактус (billing@desk.example) kirjoitti:"),
        (f"BILLING+T11.{CODE.upper()}@DESK.EXAMPLE", "BILLING@DESK.EXAMPLE"),
        (f"billing+b3.{CODE}@desk.example", "billing@desk.example"),
        ("https://help.desk.example/a/WzEsIml2.abc-_9, да", "[…], да"),
        ("https://help.desk.example/fields/WzEsIml2.abc-_9\nhttps://help.desk.example/f/WzE.a", "[…]\n[…]"),
        ("https://help.desk.example/login/WzEsIml2.abc-_9 https://help.desk.example/l/WzE.a", "[…] […]"),
        (f"<mailto:billing%2Bt11.{CODE}@desk.example?body=%23solved>", "<mailto:billing@desk.example?body=%23solved>"),
        (f"[#11] solved-{CODE} %20continue-{CODE}&body", "[#11] […] %20[…]&body"),
        ("https://other.example/a/WzEsIml2.abc", "https://other.example/a/WzEsIml2.abc"),
        (
            "billing+refund@desk.example https://help.desk.example/",
            "billing+refund@desk.example https://help.desk.example/",
        ),
    ],
)
def test_our_tokens_are_taken_out_and_nothing_else(words: str, left: str) -> None:
    assert without_tokens(words, POLICY) == left


LINK = f"https://help.desk.example/a/WzEwNDIsIml2YW5AZmlybWEuZXhhbXBsZSIsInNvbHZlZCJd.{'5kj3rpeluqdyjq4_-Ab' * 2}abc-_"
BROKEN = re.compile(r"=?[ \t]*\r?\n[ \t>|]*")


@pytest.mark.parametrize("width", [9, 31, 60])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n> ", " \n> > ", "\n>", "=\n", "\n | "])
@pytest.mark.parametrize(
    ("token", "left"),
    [
        (LINK, "[…]"),
        (LINK.replace("/a/", "/login/."), "[…]"),
        (f"<billing+t11.{CODE}@desk.example>", "<billing@desk.example>"),
        (f"solved-{CODE}", "[…]"),
    ],
)
def test_a_token_is_taken_out_wherever_lines_break_it(token: str, left: str, end: str, width: int) -> None:
    broken = end.join(token[at : at + width] for at in range(0, len(token), width))
    words = without_tokens(f"> до\n> {broken}\n> thanks-a-lot\n> после", POLICY)
    assert BROKEN.sub("", words) == f"> до{left}thanks-a-lotпосле"


@pytest.mark.parametrize(
    "piece",
    [
        "x",
        "http://",
        "https://help.desk.example/",
        "a+t1.",
        "a+t1.abc@",
        "/a/",
        "%2Bt1.",
        "solved-a",
        "a\n",
        "https://help.desk.example/a/b\n",
        "+t1\n",
        "\n> ",
    ],
)
def test_a_long_line_of_anything_costs_little(piece: str) -> None:
    started = time.process_time()
    without_tokens(piece * (400_000 // len(piece)), POLICY)
    assert time.process_time() - started < 1
