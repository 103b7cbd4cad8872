"""«Доступ»: who lets whom in, in the browser and from the command line; every act is audited."""

from maild.core.rights import Actor, Standing
from maild.desk import access
from maild.store import audit, grants
from tests.web.clock import dump
from tests.web.conftest import CUSTOMER, Pages, wait_for
from tests.web.portal import signed_in
from tests.web.test_thread import MALLORY, OLGA, ask, numbers


def acts(portal: Pages) -> list[tuple[str, str, str, str, str]]:
    rows = portal.desk.store.read_now(audit.rows)
    return [(row.act, row.who, row.via, row.what, row.reason) for row in rows]


def test_an_owner_lets_a_guest_in_and_out(portal: Pages) -> None:
    number = ask(portal, "one")
    owner, guest = (signed_in(portal.desk, portal.client, who) for who in (CUSTOMER.address, OLGA))
    assert numbers(guest.get("/?tab=all")) == []
    assert owner.submit("/access", "/access", email=f" {OLGA.upper()} ").fields["Location"] == "/access?note=granted"
    assert owner.submit("/access", "/access", email=OLGA).status == 303
    assert OLGA in owner.get("/access").text
    assert CUSTOMER.address in guest.get("/access").text
    assert numbers(guest.get("/?tab=all")) == [number]
    assert guest.get(f"/t/{number}").status == 200
    assert owner.submit("/access", "/access/revoke").status == 303
    assert numbers(guest.get("/?tab=all")) == []
    assert guest.get(f"/t/{number}").status == 404
    who = (CUSTOMER.address, "portal", f"account {CUSTOMER.address}", f"guest {OLGA}")
    assert acts(portal) == [("access granted", *who), ("access revoked", *who)]


def test_a_guest_may_leave_but_nobody_meddles_with_others(portal: Pages) -> None:
    portal.desk.store.run_now(grants.give, CUSTOMER.address, OLGA, portal.clock())
    stranger, guest = (signed_in(portal.desk, portal.client, who) for who in (MALLORY, OLGA))
    hidden = {"owner": CUSTOMER.address, "guest": OLGA}
    state = dump(portal.desk.store)
    assert stranger.submit("/access", "/access", email=MALLORY).status == 422, "not himself"
    assert stranger.submit("/", "/logout", **{"everywhere": ""}).status == 303
    stranger = signed_in(portal.desk, portal.client, MALLORY)
    nonce = stranger.get("/access").text.partition('name="nonce" value="')[2].partition('"')[0]
    assert stranger.post("/access/revoke", nonce=nonce, **hidden).status == 403
    assert stranger.post("/access/revoke", **hidden).status == 403
    assert dump(portal.desk.store)["grants"] == state["grants"]
    assert guest.submit("/access", "/access/revoke").status == 303
    assert dump(portal.desk.store)["grants"] == []


def test_what_cannot_be_let_in_is_told(portal: Pages) -> None:
    owner = signed_in(portal.desk, portal.client, CUSTOMER.address)
    for typed in ("", "olga", CUSTOMER.address, "billing@desk.example", "billing+x@desk.example"):
        answer = owner.submit("/access", "/access", email=typed)
        assert (answer.status, "aria-invalid" in answer.text) == (422, True)
    assert acts(portal) == []


def test_an_admin_grants_and_revokes(portal: Pages) -> None:
    admin = Actor("cli:root@t", Standing.OPERATOR)
    assert wait_for(access.grant(portal.desk, CUSTOMER.address, OLGA, admin, "cli"))
    assert not wait_for(access.grant(portal.desk, CUSTOMER.address, OLGA, admin, "cli"))
    assert wait_for(access.revoke(portal.desk, CUSTOMER.address, OLGA, admin, "cli"))
    assert not wait_for(access.revoke(portal.desk, CUSTOMER.address, OLGA, admin, "cli"))
    assert [act[:3] for act in acts(portal)] == [
        ("access granted", "cli:root@t", "cli"),
        ("access revoked", "cli:root@t", "cli"),
    ]
