"""What an open page asks while it is looked at: nothing is made for a browser that shows the very same."""

from datetime import timedelta

from maild.desk.act import speak
from tests.web.clock import dump
from tests.web.conftest import CUSTOMER, Pages, wait_for
from tests.web.portal import signed_in
from tests.web.test_thread import AGENT, ask


def test_a_page_that_is_still_true_is_not_sent_again(portal: Pages) -> None:
    number = ask(portal, "one")
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    for path in ("/", "/?tab=all", f"/t/{number}", "/access"):
        first = browser.get(path)
        assert (first.status, first.fields["Cache-Control"]) == (200, "no-store")
        same = browser.get(path, **{"If-None-Match": first.fields["ETag"]})
        assert (same.status, same.body, same.fields["ETag"]) == (304, b"", first.fields["ETag"]), path


def test_whatever_is_shown_otherwise_makes_another_page(portal: Pages) -> None:
    number = portal.open_ticket()
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    tags = {path: browser.get(path).fields["ETag"] for path in (f"/t/{number}", "/?tab=all")}

    def is_news() -> bool:
        found = {path: browser.get(path, **{"If-None-Match": tag}) for path, tag in reversed(tags.items())}
        tags.update({path: browser.get(path).fields["ETag"] for path in tags})
        return {answer.status for answer in found.values()} == {200}

    assert not browser.get("/?tab=all").text.count('class="badge"')
    wait_for(speak(portal.desk, number, AGENT, words="Раз."))
    assert is_news()
    wait_for(speak(portal.desk, number, AGENT, solves=True))
    assert is_news()
    portal.clock.forward(timedelta(hours=48))
    thread = browser.get(f"/t/{number}", **{"If-None-Match": tags[f"/t/{number}"]})
    assert "Задать новый вопрос" in thread.text, "time passes also where nothing is written"
    browser.submit("/", "/language", language="en", back="/")
    assert browser.get("/?tab=all", **{"If-None-Match": tags["/?tab=all"]}).status == 200


def test_asking_again_writes_nothing_and_is_not_for_strangers(portal: Pages) -> None:
    number = portal.open_ticket()
    browser = signed_in(portal.desk, portal.client, CUSTOMER.address)
    tag = browser.get(f"/t/{number}").fields["ETag"]
    state = dump(portal.desk.store)
    assert browser.get(f"/t/{number}", **{"If-None-Match": tag}).status == 304
    assert dump(portal.desk.store) == state
    assert portal.client.get(f"/t/{number}", **{"If-None-Match": tag}).status == 303
    other = signed_in(portal.desk, portal.client, "mallory@evil.example")
    assert other.get(f"/t/{number}", **{"If-None-Match": tag}).status == 404
    missing = other.get("/t/999")
    assert other.get("/t/999", **{"If-None-Match": missing.fields["ETag"]}).status == 404
