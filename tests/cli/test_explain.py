"""`maild explain`: the contract to the letter, every file one line, and a page a person can read."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import QUESTION, MakeTrial, run_here

REPLY = """\
From: ivan@firma.example
To: billing@desk.example, other@desk.example
Subject: Re: [#1042] invoice
Message-ID: <r1@firma.example>
In-Reply-To: <a2@desk.example>
References: <q1@firma.example> <a2@desk.example>

Still nothing here.

On Mon, 23 Nov 2026 at 12:00, Support wrote:
> It should have arrived.
"""
BOUNCE = """\
From: MAILER-DAEMON@mx.example
To: billing@desk.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <b1@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It did not work.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; nobody@firma.example
Action: failed
Status: 5.1.1
--b
Content-Type: message/rfc822

Message-ID: <a2@desk.example>
Subject: hello

hello
--b--
"""


def explain(*arguments: object, stdin: bytes = b"", config: str = "") -> subprocess.CompletedProcess[str]:
    return run_here("explain", *map(str, arguments), stdin=stdin, config=config or "/nowhere/config.toml")


def explained(raw: bytes | str) -> dict[str, Any]:
    ran = explain("-", "--json", stdin=raw.encode() if isinstance(raw, str) else raw)
    assert (ran.returncode, ran.stderr) == (0, "")
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_every_key_has_its_value_as_the_contract_says() -> None:
    found = explained(QUESTION)
    content = b"four"
    assert found == {
        "file": "-",
        "kind": "mail",
        "from": {"name": "Иван", "address": "Ivan@firma.example"},
        "to": ["billing@desk.example"],
        "subject": "Счёт",
        "date": "2026-11-23T11:04:00Z",
        "message_id": "q1@firma.example",
        "in_reply_to": None,
        "references": [],
        "text": found["text"],
        "reply": "Где мой счёт?",
        "html_safe": None,
        "attachments": [
            {
                "name": "invoice.pdf",
                "type": "application/pdf",
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "inline": False,
            }
        ],
        "language": "ru",
        "courtesy": False,
        "charset_guessed": False,
        "bounce": None,
        "defects": [],
        "numbers": [],
        "error": None,
    }
    assert found["text"].strip() == "Где мой счёт?"


def test_a_reply_names_its_ticket_and_what_it_answers() -> None:
    found = explained(REPLY)
    assert found["numbers"] == [1042]
    assert found["in_reply_to"] == "a2@desk.example"
    assert found["references"] == ["q1@firma.example", "a2@desk.example"]
    assert found["to"] == ["billing@desk.example", "other@desk.example"]
    assert found["from"] == {"name": None, "address": "ivan@firma.example"}
    assert found["reply"] == "Still nothing here."
    assert "It should have arrived." in found["text"]


def test_a_bounce_says_for_whom_and_about_what() -> None:
    found = explained(BOUNCE)
    assert found["kind"] == "bounce"
    assert found["bounce"] == {
        "recipients": [{"address": "nobody@firma.example", "status": "5.1.1", "action": "failed"}],
        "original_message_id": "a2@desk.example",
    }


def test_what_is_absent_is_null() -> None:
    found = explained(b"")
    absent = "from subject date message_id in_reply_to html_safe language bounce error".split()
    assert [key for key, value in found.items() if value is None] == absent
    assert (found["text"], found["reply"], found["to"]) == ("", "", [])


def test_a_mail_beyond_the_limits_has_its_error_told() -> None:
    found = explained(b"X-Pad: " + b"a" * 300_000 + b"\n\nwords\n")
    assert found["error"]
    assert found["text"] == ""


def test_one_object_is_one_line_whatever_the_subject_holds() -> None:
    ran = explain("-", "--json", stdin=b"Subject: =?utf-8?B?YeKAqGLChWPigKlk?=\n\nwords\n")
    lines = ran.stdout.splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["text"].strip() == "words"


@pytest.mark.slow
def test_every_mail_of_the_corpus_is_one_line(corpus: Path) -> None:
    files = sorted(corpus.rglob("*.eml"))
    ran = explain("--json", *files)
    assert ran.returncode == 0, ran.stderr
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [each["file"] for each in found] == [str(file) for file in files]
    assert len({tuple(each) for each in found}) == 1


@pytest.mark.slow
def test_every_mail_of_the_corpus_has_a_page(corpus: Path) -> None:
    files = sorted(corpus.rglob("*.eml"))
    ran = explain(*files)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("\n── ") == len(files) - 1


def test_a_file_that_is_not_there_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_text(REPLY)
    ran = explain(tmp_path / "none.eml", tmp_path, tmp_path / "one.eml", "--json")
    assert ran.returncode == 66
    assert ran.stderr.splitlines() == [
        f"maild: {tmp_path}/none.eml: No such file or directory",
        f"maild: {tmp_path}: Is a directory",
    ]
    assert json.loads(ran.stdout)["file"] == f"{tmp_path}/one.eml"


def test_the_page_tells_new_words_from_folded_ones() -> None:
    page = explain("-", stdin=REPLY.encode()).stdout
    new, folded = (
        page.index("New words:\n  Still nothing here."),
        page.index("Folded away as a quote with its introduction:"),
    )
    assert new < folded < page.index("> It should have arrived.")
    assert "Kind:       a mail, in English" in page
    assert "Names:      [#1042]" in page


def test_the_page_lists_attachments() -> None:
    page = explain("-", stdin=QUESTION).stdout
    assert "Attachments:\n  invoice.pdf  application/pdf  4\N{NO-BREAK SPACE}B" in page
    assert f"sha256 {hashlib.sha256(b'four').hexdigest()}" in page


def test_the_page_tells_by_what_the_kind_was_known() -> None:
    page = explain("-", stdin=BOUNCE.encode()).stdout
    assert "Kind:       a delivery report (by its delivery status), in English" in page
    assert "Returned:\n  nobody@firma.example failed 5.1.1\n  about a2@desk.example" in page
    page = explain("-", stdin=b"From: a@b.example\nX-Autoreply: yes\n\nI am away.\n").stdout
    assert "an automatic answer (by its field x-autoreply)" in page


@pytest.mark.parametrize(
    ("below", "sign"),
    [
        ("> It should have arrived.\n", "quoted lines"),
        ("-- \nIvan\n", "a signature"),
        ("-----Original Message-----\nFrom: a@b.example\nSubject: x\n\nold\n", "an earlier mail with its header"),
        ("=-=-= write above this line =-=-=\nold\n", "what stands below our marker"),
        ("Sent from my iPhone\n", "the line of a phone or mail program"),
    ],
)
def test_the_page_names_the_sign_of_each_fold(below: str, sign: str) -> None:
    page = explain("-", stdin=f"From: a@b.example\n\nStill nothing here.\n\n{below}".encode()).stdout
    assert f"Folded away as {sign}:" in page


def test_a_stranger_cannot_steer_the_terminal() -> None:
    raw = b"From: =?utf-8?B?G1szMW0=?= <a@b.example>\nSubject: \x1b]0;mine\x07 =?utf-8?B?4oCu?=\n\n\x1b[2Jwords\x9b\n"
    page = explain("-", stdin=raw).stdout
    assert "words" in page
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(page)


def test_the_subject_tag_is_that_of_the_configuration(make_trial: MakeTrial) -> None:
    trial = make_trial(desk='subject_tag = "Кактус #"')
    raw = "Subject: =?utf-8?B?W9Ca0LDQutGC0YPRgSAjN10=?= [#8]\n\nwords\n"
    (found,) = json.loads(trial.said("explain", "-", "--json", stdin=raw))["numbers"]
    assert found == 7


def test_a_broken_configuration_is_an_error_only_where_it_was_asked_for(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("desk = 1")
    ran = explain("-", "--json", stdin=REPLY.encode(), config=str(config))
    assert (ran.returncode, json.loads(ran.stdout)["numbers"]) == (0, [1042])
    assert "looked for as [#1]" in ran.stderr
    assert explain("-", "--config", config, stdin=REPLY.encode()).returncode == 78


@pytest.mark.parametrize("arguments", [("explain",), ("explain", "--nonsense", "x")])
def test_wrong_usage_is_told(arguments: tuple[str, ...]) -> None:
    ran = run_here(*arguments)
    assert (ran.returncode, ran.stdout) == (64, "")
    assert "Usage: maild explain" in ran.stderr
