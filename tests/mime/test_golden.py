"""Golden pairs: `golden/NAME.eml` must be understood as `golden/NAME.toml` says. A new bug is a new pair."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from maild.core.mail import Mail
from maild.mime.parse import parse

PAIRS = sorted((Path(__file__).parent / "golden").glob("*.eml"))


def understood(mail: Mail) -> dict[str, Any]:
    """Everything a golden file may speak of, in TOML's types."""
    return {
        "from": mail.author.address if mail.author else "",
        "from_name": mail.author.name if mail.author else "",
        "is_author_sole": mail.is_author_sole,
        "to": [one.address for one in mail.to],
        "cc": [one.address for one in mail.cc],
        "subject": mail.subject,
        "date": mail.date.isoformat() if mail.date else "",
        "message_id": mail.message_id,
        "in_reply_to": list(mail.in_reply_to),
        "references": list(mail.references),
        "text": mail.text,
        "reply": mail.reply,
        "attachments": [one.name for one in mail.attachments],
        "kind": mail.kind.value,
        "is_kind_guessed": mail.is_kind_guessed,
        "is_auto_generated": mail.is_auto_generated,
        "is_courtesy": mail.is_courtesy,
        "bounce": [[one.address, one.status, one.action] for one in mail.bounce.recipients] if mail.bounce else [],
        "original_message_id": mail.bounce.original_message_id if mail.bounce else "",
        "calendar_method": mail.calendar_method,
        "language": mail.language,
        "is_charset_guessed": mail.is_charset_guessed,
        "defects": list(mail.defects),
    }


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"], ids=["crlf", "lf", "cr"])
def test_a_golden_mail_is_understood_as_written_down(path: Path, line_end: bytes) -> None:
    mail = parse(path.read_bytes().replace(b"\r\n", line_end))
    expected = tomllib.loads(path.with_suffix(".toml").read_text())
    assert mail.error is None
    got, texts = understood(mail), {"text": mail.text, "reply": mail.reply, "html": mail.html_safe}
    for key, value in expected.items():
        name, _, relation = key.rpartition("_")
        if relation == "contains":
            assert [one for one in value if one not in texts[name]] == [], texts[name]
        elif relation == "excludes":
            assert [one for one in value if one in texts[name]] == [], texts[name]
        else:
            assert got[key] == value


def test_every_golden_mail_has_its_expectations() -> None:
    assert len(PAIRS) >= 20
    assert [path.name for path in PAIRS if not path.with_suffix(".toml").exists()] == []
