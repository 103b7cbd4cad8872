"""The search field of the portal: a number jumps, words find one's own."""

from urllib.parse import quote

from tests.web.conftest import CUSTOMER, Pages
from tests.web.portal import signed_in
from tests.web.test_thread import MALLORY, ask


def test_a_number_jumps_and_words_find_only_ones_own(portal: Pages) -> None:
    number = ask(portal, "Ёлка не горит", "Прошу заменить гирлянду")
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    for asked in (f"{number}", f"%23{number}", f"[%23{number}]"):
        answer = browser.get(f"/search?q={asked}")
        assert (answer.status, answer.fields["Location"]) == (303, f"/t/{number}")
    for asked in ("елки", "гирлянда заменена", "ГИРЛЯНДЫ", "елка гирлянда"):
        page = browser.get(f"/search?q={quote(asked)}").text
        assert (f'href="/t/{number}"' in page) is (asked != "гирлянда заменена"), asked
    page = browser.get(f"/search?q={quote('<b>нет такого</b>')}").text
    assert "Ничего не нашлось" in page
    assert "<b>нет" not in page
    assert 'name="q" value="&lt;b&gt;нет такого&lt;/b&gt;"' in page
    assert 'name="q" value=""' in browser.get(f"/t/{number}").text
    assert "live.js" not in page, "what was found is not asked for again"
    assert "live.js" in browser.get("/").text
    assert browser.get("/search?q=").fields["Location"] == "/"
    other = browser.get(f"/search?q={quote('счёт 311')}")
    assert (other.status, "Ничего не нашлось" in other.text) == (200, True)
    stranger = signed_in(portal.desk, portal.client, MALLORY)
    answer = stranger.get(f"/search?q={quote('елка')}")
    assert (answer.status, "Ёлка" in answer.text) == (200, False)


def test_the_words_of_a_message_that_has_just_come_are_found(portal: Pages) -> None:
    number = ask(portal, "Вопрос", " ".join(f"слово{one}" for one in range(200)))
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    assert f'href="/t/{number}"' in browser.get(f"/search?q={quote('слово199')}").text
