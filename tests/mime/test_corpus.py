"""Real mails of other projects' test-suites, read in place: none fails, most are understood as expected there."""

import json
import os
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from maild.core.mail import Mail
from maild.mime.attach import cut
from maild.mime.parse import parse

CORPUS = Path(os.environ.get("MAILD_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
pytestmark = pytest.mark.skipif(
    not (CORPUS / "manifest.jsonl").exists() and os.environ.get("MAILD_REQUIRE") != "all",
    reason="mail corpus not found: set MAILD_CORPUS",
)

# What is reached today; a change may raise these, never lower them.
LEAST = {
    "from_addr": 1.0,
    "subject": 1.0,
    "attachments": 1.0,
    "body_contains": 0.95,
    "reply_text": 0.85,
    "reply_contains": 1.0,
    "reply_excludes": 1.0,
}


def squeezed(text: str) -> str:
    return " ".join(text.split())


def has_attachments(mail: Mail, wanted: list[dict[str, Any]]) -> bool:
    """Same sizes in the same order; names too, but for parts that the other project had to name itself ("soft")."""
    if [one["size"] for one in wanted] != [one.size for one in mail.attachments]:
        return False
    pairs = zip(wanted, mail.attachments, strict=True)
    return all(expected.get("soft") or expected["name"] == got.name for expected, got in pairs)


CHECKS: dict[str, Callable[[Mail, Any], bool]] = {
    "from_addr": lambda mail, wanted: mail.author is not None and mail.author.address == wanted,
    "subject": lambda mail, wanted: squeezed(mail.subject) == squeezed(wanted),
    "attachments": has_attachments,
    "body_contains": lambda mail, wanted: all(squeezed(one) in squeezed(mail.text) for one in wanted),
    "reply_text": lambda mail, wanted: squeezed(mail.reply) == squeezed(wanted),
    "reply_contains": lambda mail, wanted: all(one in mail.reply for one in wanted),
    "reply_excludes": lambda mail, wanted: not any(one in mail.reply for one in wanted),
}


@lru_cache(maxsize=1)
def mails() -> list[tuple[dict[str, Any], bytes, Mail]]:
    rows = [json.loads(line) for line in (CORPUS / "manifest.jsonl").read_text().splitlines()]
    raws = [(CORPUS / row["path"]).read_bytes() for row in rows]
    return [(row["expect"], raw, parse(raw)) for row, raw in zip(rows, raws, strict=True)]


@pytest.mark.slow
def test_every_mail_of_the_corpus_is_understood_without_an_error() -> None:
    assert len(mails()) > 150
    assert [mail.error for _, _, mail in mails() if mail.error] == []


@pytest.mark.parametrize("name", LEAST)
def test_enough_mails_are_understood_as_expected(name: str) -> None:
    results = Counter(CHECKS[name](mail, expect[name]) for expect, _, mail in mails() if name in expect)
    assert results[True] >= LEAST[name] * results.total() > 0, results


@pytest.mark.slow
def test_folds_and_attachments_fit_the_mail() -> None:
    for _, raw, mail in mails():
        edges = [edge for fold in mail.folds for edge in fold]
        assert edges == sorted(edges)
        assert all(0 <= edge <= len(mail.text) for edge in edges)
        small = [one for one in mail.attachments if len(raw) < 200_000]
        assert [len(cut(raw, one.part)) for one in small] == [one.size for one in small]


# The reports of machines among them, by what stands in them; all others are questions, lists and invitations.
REPORTS = {
    "php_mime_mail_parser/failure.eml": "bounce",
    "php_mime_mail_parser/issue212": "auto_response",
    "nodemailer_mailparser/fixtures-delivery-status.eml": "bounce",
    "spamscope/mails-mail_malformed_2": "bounce",
    "cpython/msg_05": "bounce",
    "cpython/msg_16": "bounce",
    "cpython/msg_25": "bounce",
    "cpython/msg_42": "bounce",
    "cpython/msg_43": "bounce",
}
ROBOTS = {"auto_response", "bounce", "feedback_report", "receipt"}


def test_every_bounce_is_found_and_every_other_mail_left_alone() -> None:
    rows = [json.loads(line) for line in (CORPUS / "manifest.jsonl").read_text().splitlines()]
    found = {row["id"]: mail.kind.value for row, (_, _, mail) in zip(rows, mails(), strict=True)}
    assert {name: kind for name, kind in found.items() if kind in ROBOTS} == REPORTS
