"""Collected mails through the real SMTP door, and what must be true of a desk that has swallowed them."""

import json
import re
import smtplib
from dataclasses import dataclass
from email import message_from_bytes
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from maild.core.address import normalise
from tests.servers import MaildProcess
from tests.system.browser import ask
from tests.system.people import BILLING, TEAM

_LINE_END = re.compile(rb"\r\n|\r|\n")
_TAKEN = re.compile(rb"mail (\d+) is in the ledger")
_EACH = 50  # mails of one connection


@dataclass(frozen=True, slots=True)
class Sent:
    """One mail, its envelope sender ("" = null), and the ledger row that the 250 named."""

    path: Path
    mail_from: str
    row: int


def mails_in(corpus: Path) -> list[Path]:
    """The mails of the corpus, always in the same order."""
    return sorted(corpus.rglob("*.eml"))


def send_all(desk: MaildProcess, paths: list[Path]) -> list[Sent]:
    """Send mails as they are, lines ended by CRLF, each from an envelope sender of its own, every fifth from <>."""
    sent: list[Sent] = []
    for start in range(0, len(paths), _EACH):
        with smtplib.SMTP("127.0.0.1", desk.port("smtp"), "flood.example", timeout=60) as client:
            client.ehlo()
            for number, path in enumerate(paths[start : start + _EACH], start):
                mail_from = "" if number % 5 == 4 else f"sender{number}@envelope.example"
                sent.append(Sent(path, mail_from, _send(client, path, mail_from)))
    return sent


def _send(client: smtplib.SMTP, path: Path, mail_from: str) -> int:
    assert client.mail(mail_from)[0] == 250
    assert client.rcpt(BILLING)[0] == 250
    code, reply = client.data(_LINE_END.sub(b"\r\n", path.read_bytes()))
    found = _TAKEN.search(reply)
    assert code == 250, (path, reply)
    assert found is not None
    return int(found[1])


def assert_every_mail_has_its_fate(desk: MaildProcess, sent: list[Sent]) -> dict[int, dict[str, Any]]:
    """Each mail is there once, done or held with a reason; the daemon is well. The ledger by id."""
    ledger = {mail["id"]: mail for mail in desk.json("mail", "list")}
    assert ledger.keys() == {each.row for each in sent}
    assert {mail["state"] for mail in ledger.values()} <= {"done", "held"}
    assert all(mail["reason"] for mail in ledger.values())
    held = [mail["id"] for mail in ledger.values() if mail["state"] == "held"]
    assert [mail["id"] for mail in desk.json("hold", "list")] == held
    health = ask("GET", f"http://{desk.doors['ops']}/health")
    assert health.status == 200
    assert json.loads(health.body)["mails"] == {"spooled": 0, "held": len(held)}
    assert "Traceback" not in desk.log()
    return ledger


def assert_explained_alike(desk: MaildProcess, sent: list[Sent], ledger: dict[int, dict[str, Any]]) -> None:
    """`maild explain` of the file says the same as the ledger."""
    explained = desk.json("explain", *(str(each.path) for each in sent))
    for each, told in zip(sent, explained, strict=True):
        row = ledger[each.row]
        sender = normalise((told["from"] or {}).get("address") or "") or None
        assert (row["subject"], row["from"], row["kind"]) == (told["subject"], sender, told["kind"]), each.path
        assert (told["error"] is None) == (row["reason"] != "could not be parsed"), each.path


def assert_letters_go_only_where_they_may(
    desk: MaildProcess, sent: list[Sent], ledger: dict[int, dict[str, Any]]
) -> int:
    """Automatic letters go to sole authors of ordinary mail with an envelope sender; how many did."""
    allowed: set[tuple[int, str]] = set()
    for each in sent:
        row = ledger[each.row]
        if row["ticket"] is not None and _may_be_answered(each):
            allowed.add((row["ticket"], row["from"]))
    letters = [letter for letter in desk.json("outbox", "list") if letter["to"] != TEAM]
    strays = [letter for letter in letters if (letter["ticket"], letter["to"]) not in allowed]
    assert strays == []
    assert not any(letter["to"].endswith("@envelope.example") for letter in letters)
    return len(letters)


def _may_be_answered(sent: Sent) -> bool:
    """By the plain words of its header, read by Python's own parser."""
    mail = message_from_bytes(sent.path.read_bytes())
    authors = mail.get_all("From") or []
    is_automatic = (mail["Auto-Submitted"] or "no").strip().lower() != "no"
    is_list = bool(mail["List-Id"] or mail["List-Post"] or mail["List-Unsubscribe"])
    is_report = mail.get_content_type() == "multipart/report"
    return (
        bool(sent.mail_from)
        and len(authors) == 1
        and len(getaddresses([str(authors[0])])) == 1
        and not (is_automatic or is_list or is_report)
    )
