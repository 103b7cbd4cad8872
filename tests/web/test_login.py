"""Signing in by a mailed link: what is on the pages, who gets how many letters, how long anything is good."""

from dataclasses import replace
from datetime import timedelta

import pytest

from maild.desk.desk import Desk
from maild.desk.login import ask_to_enter
from tests.web.clock import dump
from tests.web.conftest import CUSTOMER, Pages, wait_for
from tests.web.portal import FORM, Browser, forms_in, login_links, signed_in

STRANGER = "nobody@nowhere.example"
PORTAL_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)


def letters(desk: Desk) -> list[str]:
    rows = desk.store.read_now(lambda tx: tx.all("SELECT to_address FROM outbox WHERE letter = 'login' ORDER BY id"))
    return [str(row[0]) for row in rows]


def test_a_letter_has_one_link_and_the_link_one_button_which_works_once(portal: Pages) -> None:
    portal.open_ticket()
    browser = Browser(portal.client)
    assert browser.get("/access").fields["Location"] == "/login"
    assert [form.action for form in forms_in(browser.get("/").text)] == ["/login"]
    page = browser.submit("/login", email=f" {CUSTOMER.address.upper()} ")
    assert page.status == 200
    [link] = login_links(portal.desk, CUSTOMER.address)
    state = dump(portal.desk.store)
    shown = browser.get(link)
    assert dump(portal.desk.store) == state, "looking changes nothing"
    [form] = [one for one in forms_in(shown.text) if one.method == "post"]
    assert form.buttons == [""]
    assert CUSTOMER.address in shown.text
    entered = browser.post(link, **form.hidden)
    assert (entered.status, entered.fields["Location"]) == (303, "/")
    cookie = entered.fields["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie, "a desk on loopback"
    home = browser.get("/")
    assert (home.status, home.fields["Content-Security-Policy"]) == (200, PORTAL_POLICY)
    assert CUSTOMER.address in home.text

    for again in (browser.get(link), browser.post(link, **form.hidden)):
        assert (again.status, again.fields["Location"]) == (303, "/"), "he is in already"
    somebody = signed_in(portal.desk, portal.client, STRANGER)
    assert somebody.get(link).status == 410

    other = Browser(portal.client)
    assert other.get(link).status == 410
    assert other.post(link, **form.hidden).status == 410
    assert other.cookies == {}
    assert other.get("/access").status == 303


def test_the_session_is_kept_as_a_hash_only(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    kept = repr(dump(portal.desk.store))
    assert browser.cookies["maild_session"] not in kept


def test_under_https_the_cookie_is_secure(portal: Pages) -> None:
    portal.desk.policy = replace(portal.desk.policy, public_url="https://help.example")
    browser = Browser(portal.client)
    browser.submit("/login", email=CUSTOMER.address)
    [link] = login_links(portal.desk, CUSTOMER.address)
    assert "; Secure" in browser.submit(link).fields["Set-Cookie"]


def test_a_link_is_good_for_a_quarter_of_an_hour(portal: Pages) -> None:
    browser = Browser(portal.client)
    browser.submit("/login", email=CUSTOMER.address)
    [link] = login_links(portal.desk, CUSTOMER.address)
    nonce = forms_in(browser.get(link).text)[-1].hidden["nonce"]
    portal.clock.forward(timedelta(minutes=15, seconds=1))
    assert browser.get(link).status == 410
    assert browser.post(link, nonce=nonce).status == 410
    assert browser.get("/access").status == 303


def test_an_altered_link_or_a_foreign_form_enters_nowhere(portal: Pages) -> None:
    browser = Browser(portal.client)
    browser.submit("/login", email=CUSTOMER.address)
    [link] = login_links(portal.desk, CUSTOMER.address)
    for wrong in (link[:-1], link + "A", "/login/x"):
        assert browser.get(wrong).status == 404
        assert browser.post(wrong, nonce="x").status == 404
    hidden = forms_in(browser.get(link).text)[-1].hidden
    assert browser.post(link, nonce="x").status == 403
    body = f"nonce={hidden['nonce']}".encode()
    form = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"}
    assert browser.ask("POST", link, body, form).status == 403
    assert browser.cookies == {}
    assert browser.post("/login", email=CUSTOMER.address).status == 403, "without the page's nonce"


def test_the_answer_is_the_same_for_known_and_unknown_addresses(portal: Pages) -> None:
    portal.open_ticket()
    known = Browser(portal.client).submit("/login", email=CUSTOMER.address)
    unknown = Browser(portal.client).submit("/login", email=STRANGER)
    assert (known.status, unknown.status) == (200, 200)
    assert known.text.replace(CUSTOMER.address, "") == unknown.text.replace(STRANGER, "")
    assert letters(portal.desk) == [CUSTOMER.address, STRANGER]


def test_five_tries_in_ten_minutes_and_three_letters_in_an_hour(portal: Pages) -> None:
    browser = Browser(portal.client)
    answers = [browser.submit("/login", email=CUSTOMER.address).status for _ in range(6)]
    assert answers == [200] * 5 + [429]
    assert len(letters(portal.desk)) == 3
    assert browser.submit("/login", email="other@firma.example").status == 429, "the same client"
    portal.clock.forward(timedelta(minutes=10, seconds=1))
    assert browser.submit("/login", email=CUSTOMER.address).status == 200
    assert len(letters(portal.desk)) == 3
    portal.clock.forward(timedelta(hours=1))
    browser.submit("/login", email=CUSTOMER.address)
    assert len(letters(portal.desk)) == 4


def test_whoever_gets_in_leaves_the_tries_to_others_behind_his_address(portal: Pages) -> None:
    for number in range(7):
        signed_in(portal.desk, portal.client, f"p{number}@firma.example")
    browser = Browser(portal.client)
    for number in range(6):
        portal.clock.forward(timedelta(seconds=1))
        answer = browser.submit("/login", email=f"q{number}@firma.example")
        assert answer.status == (200 if number < 5 else 429)
    assert browser.submit(login_links(portal.desk, "q0@firma.example")[0]).status == 303
    answers = [Browser(portal.client).submit("/login", email="r@firma.example").status for _ in range(2)]
    assert answers == [200, 429], "his own try is given back, not those of others"


def test_strangers_get_sixty_letters_an_hour_in_all(portal: Pages) -> None:
    portal.open_ticket()

    async def all_try() -> None:
        for number in range(62):
            client = f"198.51.100.{number}" if number % 2 else f"2001:db8:0:{number:x}::1"
            assert await ask_to_enter(portal.desk, f"s{number}@nowhere.example", client, "en")
        assert await ask_to_enter(portal.desk, CUSTOMER.address, "198.51.100.99", "en")

    wait_for(all_try())
    assert len(letters(portal.desk)) == 61
    assert letters(portal.desk)[-1] == CUSTOMER.address, "whoever is known is still written to"


def test_one_network_of_ipv6_is_one_client(portal: Pages) -> None:
    async def all_try() -> list[bool]:
        return [
            await ask_to_enter(portal.desk, f"s{number}@nowhere.example", f"2001:db8:0:7::{number:x}", "en")
            for number in range(6)
        ]

    assert wait_for(all_try()) == [True] * 5 + [False]


@pytest.mark.parametrize("address", ["billing@desk.example", "billing+x@desk.example", "noreply@shop.example"])
def test_nothing_is_written_to_ourselves_and_to_robots(portal: Pages, address: str) -> None:
    assert Browser(portal.client).submit("/login", email=address).status == 200
    assert letters(portal.desk) == []


def test_what_is_no_address_is_told(portal: Pages) -> None:
    state = dump(portal.desk.store)
    for typed in ("", "ivan", "a@b@c", "x" * 300 + "@firma.example", '"><script>@x'):
        answer = Browser(portal.client).submit("/login", email=typed)
        assert (answer.status, "aria-invalid" in answer.text) == (422, True)
        assert "<script>" not in answer.text
    assert dump(portal.desk.store) == state


def test_signing_out_ends_this_session_or_all_of_them(portal: Pages) -> None:
    here, there = (signed_in(portal.desk, portal.client, CUSTOMER.address) for _ in range(2))
    other = signed_in(portal.desk, portal.client, "olga@firma.example")
    kept = dict(here.cookies)
    assert here.post("/logout").status == 403
    assert here.get("/access").status == 200
    assert here.submit("/", "/logout").fields["Location"] == "/login"
    here.cookies = kept
    assert (here.get("/access").status, there.get("/access").status) == (303, 200), (
        "the row is gone, not only the cookie"
    )
    again = signed_in(portal.desk, portal.client, CUSTOMER.address)
    assert there.submit("/", "/logout", everywhere="1").status == 303
    assert (again.get("/access").status, other.get("/access").status) == (303, 200)


def test_a_session_ends_by_itself(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    portal.clock.forward(timedelta(days=29))
    assert browser.get("/access").status == 200
    portal.clock.forward(timedelta(days=1))
    assert browser.get("/access").status == 303


def test_another_sites_form_signs_nobody_in(portal: Pages) -> None:
    browser = Browser(portal.client)
    browser.submit("/login", email=CUSTOMER.address)
    [link] = login_links(portal.desk, CUSTOMER.address)
    nonce = forms_in(browser.get(link).text)[0].hidden["nonce"]
    home = portal.desk.policy.public_url
    for origin in ("https://evil.example", "http://[", "null", home):
        answer = browser.ask("POST", link, f"nonce={nonce}".encode(), {"Content-Type": FORM, "Origin": origin})
        assert answer.status == (303 if origin in ("null", home) else 403), origin


def test_nobody_elses_nonce_signs_out(portal: Pages) -> None:
    here = signed_in(portal.desk, portal.client, CUSTOMER.address)
    other = signed_in(portal.desk, portal.client, "olga@firma.example")
    nonce = forms_in(other.get("/").text)[-1].hidden["nonce"]
    assert here.post("/logout", nonce=nonce).status == 403
    assert here.get("/access").status == 200


def test_the_language_is_the_browsers_until_it_is_chosen(portal: Pages) -> None:
    browser = Browser(portal.client)
    assert 'lang="en"' in browser.get("/login", **{"Accept-Language": "de, en;q=0.8, ru;q=0.5"}).text
    assert 'lang="ru"' in browser.get("/login", **{"Accept-Language": "de"}).text
    assert 'lang="en"' in browser.get("/login?lang=en").text
    inside = signed_in(portal.desk, portal.client, CUSTOMER.address)
    assert '<html lang="ru"' in inside.get("/").text
    answer = inside.submit("/?tab=all", "/language", language="en")
    assert answer.fields["Location"] == "/?tab=all"
    assert '<html lang="en"' in inside.get("/").text
    for back in ("//evil.example", "https://evil.example", "/\\evil.example"):
        assert inside.submit("/", "/language", language="en", back=back).fields["Location"] == "/"
    assert inside.submit("/", "/language", language="xx").status == 403


def test_whoever_wanted_a_ticket_is_led_there(portal: Pages) -> None:
    browser = Browser(portal.client)
    answer = browser.get("/t/17")
    assert answer.fields["Location"] == "/login?t=17"
    browser.submit("/login?t=17", email=CUSTOMER.address)
    [link] = login_links(portal.desk, CUSTOMER.address)
    assert browser.submit(link).fields["Location"] == "/t/17"


def test_without_a_public_address_there_is_no_way_in(pages: Pages) -> None:
    assert pages.client.get("/login").status == 404


def test_another_language_keeps_the_ticket_somebody_came_for(portal: Pages) -> None:
    assert "?lang=en&amp;t=17" in portal.client.get("/login?t=17").text
    assert 'name="t" value="17"' in portal.client.get("/login?lang=en&t=17").text


def test_the_way_back_from_a_form_leads_to_a_page(portal: Pages) -> None:
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    refused = browser.post("/logout", nonce="x")
    assert (refused.status, 'name="back" value="/">' in refused.text) == (403, True)
