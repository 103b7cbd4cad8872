"""What support reads: where an answer goes, who wrote, and words for every status and every reason to hold a mail."""

import pytest

from maild.core.effects import Reason
from maild.core.letter import Letter
from maild.core.ticket import Status
from maild.mime.render import Rendered, Renderer, templates_dir
from maild.mime.samples import sample_context

LANGUAGES = ("ru", "en")
RENDERER = Renderer(templates_dir())


def write(letter: Letter, language: str, **changes: object) -> Rendered:
    return RENDERER.letter(letter, language, sample_context(letter, language) | changes)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("letter", "command"),
    [
        (Letter.NEW_TICKET, "reply"),
        (Letter.NEW_MESSAGE, "reply"),
        (Letter.COPY, "note"),
        (Letter.DELIVERY_FAILED, "note"),
        (Letter.LEFT_OUT, "note"),
    ],
)
def test_where_senders_are_not_verified_the_team_is_given_a_command(
    letter: Letter, command: str, language: str
) -> None:
    rendered = write(letter, language, is_open_trust=True)
    assert f" maild ticket {command} 1042\n" in rendered.text
    assert f"<code>maild ticket {command} 1042</code>" in rendered.html
    promises = ("получит клиент", "останется внутренней", "letter goes to the customer", "stays an internal")
    assert not any(promise in rendered.text + rendered.html for promise in promises)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_verdict_of_open_trust_is_enough_to_know(language: str) -> None:
    open_trust = write(Letter.NEW_TICKET, language, verdict="open")
    assert "maild ticket reply 1042" in open_trust.text
    assert "maild ticket" not in write(Letter.NEW_TICKET, language, verdict="unverified").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_customer_without_a_name_is_an_address(language: str) -> None:
    nobody = {"name": "", "address": "eve@evil.example"}
    rendered = write(Letter.NEW_TICKET, language, person=nobody, author=nobody)
    customer = "Клиент" if language == "ru" else "Customer"
    assert f"\n{customer}: eve@evil.example\n" in rendered.text
    assert rendered.html.count(">eve@evil.example</") == 2
    somebody = {"name": "Eve", "address": "eve@evil.example"}
    rendered = write(Letter.NEW_TICKET, language, person=somebody, author=somebody)
    assert f"\n{customer}: Eve <eve@evil.example>\n" in rendered.text
    assert rendered.html.count(">Eve &lt;eve@evil.example&gt;</") == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_that_was_named_but_not_joined_is_told_apart(language: str) -> None:
    strange = "автор не участвует: № 7" if language == "ru" else "has no part in: #7"
    own = "к обращению клиента, указанному в нём: № 7" if language == "ru" else "own request that it names: #7"
    for is_own, said, unsaid in ((False, strange, own), (True, own, strange)):
        rendered = write(Letter.NEW_TICKET, language, claims=7, claims_own=is_own)
        for body in (rendered.text, rendered.html.replace("&#39;", "'")):
            assert said in body
            assert unsaid not in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_status_and_every_reason_to_hold_has_its_words(language: str) -> None:
    assert all(RENDERER.status_word(status, language) for status in Status)
    names = [reason.name.removeprefix("HELD_").lower() for reason in Reason if reason.name.startswith("HELD_")]
    words = [RENDERER.held_reason(name, language) for name in names]
    assert all(words)
    assert len(set(words)) == len(names)


@pytest.mark.parametrize(("language", "waits"), [("ru", "Ждёт ответа клиента"), ("en", "Waiting for the customer")])
def test_support_reads_a_status_from_its_own_side(language: str, waits: str) -> None:
    assert RENDERER.status_word("pending", language, for_team=True) == waits
    others = set(Status) - {Status.PENDING}
    for status in others:
        assert RENDERER.status_word(status, language, for_team=True) == RENDERER.status_word(status, language)
