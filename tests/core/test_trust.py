"""Who is believed: only what our own border host wrote, parsed and not searched (RFC 8601, SPEC section 5)."""

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.core.authresults import read_results
from maild.core.mail import Door, Mailbox
from maild.core.policy import MailboxRules
from maild.core.trust import Trust, is_marked_spam, trust_in
from tests.values import BILLING, BILLING_TEAM, BORDER, IVAN, auth, make_envelope, make_mail, make_policy, make_trust

PASS = "dmarc=pass header.from=client.example"
FAIL = "dmarc=fail header.from=client.example"
OURS = ("Received", f"from x (y [192.0.2.9]) by {BORDER} with ESMTPS id 1; Mon, 23 Nov 2026 12:00:00 +0000")
INNER = ("Received", f"from {BORDER} by lmtp.inner.example with LMTP; Mon, 23 Nov 2026 12:00:01 +0000")
FOREIGN = ("Received", "from a by mail.elsewhere.example; Mon, 23 Nov 2026 11:59:00 +0000")


def field(results: str, host: str = BORDER) -> tuple[str, str]:
    return ("Authentication-Results", f"{host}; {results}")


def trust(
    *headers: tuple[str, str], author: str = IVAN.address, rules: dict[str, Any] | None = None, **env: Any
) -> Trust:
    policy = make_policy(trust=make_trust(**(rules or {})))
    return trust_in(make_mail(headers=headers, author=Mailbox("", author)), make_envelope(**env), policy)


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        (PASS, Trust.VERIFIED),
        (FAIL, Trust.FAILED),
        ("dmarc=none header.from=client.example", Trust.UNVERIFIED),
        ("dmarc=temperror header.from=client.example", Trust.UNVERIFIED),
        ("dmarc=bestguesspass header.from=client.example", Trust.UNVERIFIED),
        ("none", Trust.UNVERIFIED),
        ("dmarc=pass header.from=ivan@client.example", Trust.VERIFIED),
        ("dmarc=pass header.from=IVAN@Client.Example", Trust.VERIFIED),
        ("dmarc=pass header.from=olga@client.example", Trust.UNVERIFIED),
        ("dmarc=pass header.from=elsewhere.example", Trust.UNVERIFIED),
        ("dmarc=pass", Trust.UNVERIFIED),
        ("dmarc=fail", Trust.FAILED),
        ("dmarc=pass header.from=client.example;", Trust.VERIFIED),
        # without any dmarc result: an aligned signer or envelope sender
        ("dkim=pass header.d=client.example", Trust.VERIFIED),
        ("dkim=pass header.i=@client.example", Trust.VERIFIED),
        ("dkim=pass header.d=mail.client.example", Trust.VERIFIED),  # relaxed: the same organisation
        ("spf=pass smtp.mailfrom=b@bounces.client.example", Trust.VERIFIED),
        ("spf=pass smtp.mail=ivan@client.example", Trust.VERIFIED),
        ("dkim=pass header.d=example", Trust.UNVERIFIED),
        ("dkim=pass header.d=xclient.example", Trust.UNVERIFIED),
        ("dkim=pass header.d=client.example.evil.example", Trust.UNVERIFIED),
        ("dkim=pass header.d=esp.example", Trust.UNVERIFIED),
        ("dkim=pass header.d=esp.example; dkim=pass header.d=client.example", Trust.VERIFIED),
        ("dkim=fail header.d=client.example", Trust.UNVERIFIED),
        ("spf=pass smtp.mailfrom=client.example", Trust.VERIFIED),
        ("spf=pass smtp.mailfrom=bounce@client.example", Trust.VERIFIED),
        ("spf=pass smtp.mailfrom=bounce@esp.example", Trust.UNVERIFIED),
        ("spf=pass smtp.helo=client.example", Trust.UNVERIFIED),
        ("spf=softfail smtp.mailfrom=client.example", Trust.UNVERIFIED),
        ("dmarc=none header.from=client.example; dkim=pass header.d=client.example", Trust.UNVERIFIED),
        # submission as that very address
        ("auth=pass smtp.auth=ivan@client.example", Trust.VERIFIED),
        ("auth=pass smtp.auth=olga@client.example", Trust.UNVERIFIED),
        ("auth=fail smtp.auth=ivan@client.example", Trust.UNVERIFIED),
        ("dmarc=none header.from=client.example; auth=pass smtp.auth=ivan@client.example", Trust.VERIFIED),
        # what real hosts write
        ("dkim=pass (2048-bit key) header.d=client.example header.b=Ab/c+; dmarc=pass (p=REJECT sp=NONE dis=NONE) "
         "header.from=client.example", Trust.VERIFIED),
        ("spf=pass smtp.mailfrom=<>; dmarc=pass header.from=client.example", Trust.VERIFIED),
        ("spf=pass smtp.helo=[192.0.2.1]; dmarc=fail header.from=client.example", Trust.FAILED),
        ("dkim=none (not signed) header.d=none;dmarc=fail action=oreject header.from=client.example", Trust.FAILED),
    ],
)  # fmt: skip
def test_what_a_trusted_field_says(results: str, verdict: Trust) -> None:
    assert trust(field(results), OURS) is verdict


@pytest.mark.parametrize(
    "results",
    [
        f"spf=none ({PASS})",
        f'spf=none reason="{PASS}"',
        rf'spf=none reason="x\"; {PASS}"',
        f"spf=none (a (b) ; {PASS})",
        f"spf=none smtp.mailfrom=\"x;{PASS}\"@elsewhere.example",
        f"x-spam=no ({PASS}) ; none",
        "xdmarc=pass header.from=client.example",
        "dmarc-pass header.from=client.example",
        "spf=none header.x=dmarc=pass",
    ],
)  # fmt: skip
def test_comments_quoted_strings_and_properties_are_not_searched(results: str) -> None:
    assert trust(field(results), OURS) is Trust.UNVERIFIED


@pytest.mark.parametrize(("first", "second"), [(PASS, FAIL), (FAIL, PASS)])
def test_of_several_fields_the_worst_counts(first: str, second: str) -> None:
    assert trust(field(first), field(second), OURS) is Trust.FAILED


@pytest.mark.parametrize("worse", ["none", "permerror", "temperror", "policy"])
def test_a_pass_beside_anything_worse_is_none(worse: str) -> None:
    headers = (field(PASS), field(f"dmarc={worse} header.from=client.example"), OURS)
    assert trust(*headers) is Trust.UNVERIFIED


def test_a_broken_result_does_not_take_its_neighbours_with_it() -> None:
    assert trust(field(f"spf=pass <>; {FAIL}"), OURS) is Trust.FAILED
    assert trust(field("dmarc=pass header.from=<>; dkim=pass header.d=client.example"), OURS) is Trust.UNVERIFIED


@pytest.mark.parametrize(
    "results",
    [
        "dmarc=fail (p=none dis=none) header.from=client.example",
        "dmarc=fail (p=NONE sp=REJECT) header.from=client.example",
        'dmarc=fail reason="No valid SPF" header.from=client.example (policy=none)',
        "dmarc=fail header.from=client.example policy.published-domain-policy=none",
        "dmarc=fail policy.dmarc=none header.from=client.example",
    ],
)
def test_a_failure_under_p_none_is_only_unverified_unless_the_author_is_support_or_the_desk(results: str) -> None:
    assert trust(field(results), OURS) is Trust.UNVERIFIED
    for author in (BILLING_TEAM, "anna@office.example", BILLING, "help+x@desk.example"):
        ours = results.replace("client.example", author.partition("@")[2])
        assert trust(field(ours), OURS, author=author) is Trust.FAILED


@pytest.mark.parametrize("results", ["dmarc=fail (sp=none) header.from=client.example", f'{FAIL} reason="p=none"'])
def test_p_none_is_read_where_the_host_writes_it(results: str) -> None:
    assert trust(field(results), OURS) is Trust.FAILED


def test_one_strict_failure_is_enough() -> None:
    assert trust(field(f"{FAIL}; dmarc=fail (p=none) header.from=client.example"), OURS) is Trust.FAILED


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        ((field(PASS), OURS), Trust.VERIFIED),
        ((field(PASS), INNER, OURS), Trust.VERIFIED),
        ((INNER, field(PASS), OURS), Trust.VERIFIED),
        ((OURS, field(PASS)), Trust.UNVERIFIED),
        ((OURS, field(PASS), FOREIGN), Trust.UNVERIFIED),
        ((OURS, field(PASS), OURS), Trust.UNVERIFIED),
        # no Received of ours: above all of them
        ((field(PASS), FOREIGN), Trust.VERIFIED),
        ((FOREIGN, field(PASS)), Trust.UNVERIFIED),
        ((field(PASS),), Trust.VERIFIED),
    ],
)
def test_a_field_counts_only_above_the_received_field_of_our_border(
    headers: tuple[tuple[str, str], ...], verdict: Trust
) -> None:
    assert trust(*headers) is verdict


@pytest.mark.parametrize(
    "received",
    [
        f"from by (y [192.0.2.9]) by {BORDER} with ESMTP",  # the client said HELO by
        f"from x by evil.example (y [192.0.2.9]) by {BORDER} with ESMTP",  # HELO x by evil.example
        f"from ( (y [192.0.2.9]) by {BORDER} with ESMTP",  # HELO (
        f"from x\\( (y [192.0.2.9]) by {BORDER}; Mon, 23 Nov 2026 12:00:00 +0000",
        f"FROM x BY {BORDER.upper()} WITH ESMTP",
        f"from x by {BORDER}. with ESMTP",
    ],
)
def test_no_helo_name_hides_the_border_from_us(received: str) -> None:
    forged = (field(PASS), ("Received", f"from x by {BORDER}"))
    assert trust(("Received", received), *forged) is Trust.UNVERIFIED
    assert trust(field(PASS), ("Received", received)) is Trust.VERIFIED


def test_a_received_field_without_a_host_is_not_the_border_of_a_field_without_an_id() -> None:
    forged = (("Authentication-Results", PASS), ("Received", "from x"))
    assert trust(FOREIGN, *forged, rules={"authserv_ids": ("",)}) is Trust.UNVERIFIED


def test_the_border_can_have_another_name_than_its_results() -> None:
    rules = {"authserv_ids": ("results.example",), "received_by": (BORDER,)}
    fields = field(PASS, "results.example")
    assert trust(fields, OURS, rules=rules) is Trust.VERIFIED
    assert trust(FOREIGN, fields, OURS, rules=rules) is Trust.VERIFIED
    assert trust(OURS, fields, rules=rules) is Trust.UNVERIFIED


def test_providers_that_write_below_their_received_field_are_taken_at_their_word() -> None:
    assert trust(OURS, field(PASS), FOREIGN, rules={"position": "below"}) is Trust.VERIFIED
    assert trust(OURS, field(PASS, "other.example"), rules={"position": "below"}) is Trust.UNVERIFIED


@pytest.mark.parametrize(
    ("ids", "host", "counts"),
    [
        ((BORDER,), BORDER.upper(), True),
        ((BORDER,), f"{BORDER} 1", True),
        ((BORDER,), f"x{BORDER}", False),
        ((BORDER,), f"{BORDER}.evil.example", False),
        (("a.example", "b.example"), "b.example", True),
        (("*.desk.example",), BORDER, True),
        (("*.desk.example",), "a.b.desk.example", True),
        (("*.desk.example",), "desk.example", False),
        (("*.desk.example",), "evildesk.example", False),
        ((), BORDER, False),
    ],
)
def test_whose_fields_count(ids: tuple[str, ...], host: str, counts: bool) -> None:
    expected = Trust.VERIFIED if counts else Trust.UNVERIFIED
    assert trust(field(PASS, host), FOREIGN, rules={"authserv_ids": ids}) is expected


def test_a_field_without_an_id_counts_only_where_the_admin_says_so() -> None:
    microsoft = (
        "spf=pass (sender IP is 192.0.2.9) smtp.mailfrom=client.example; dkim=pass (signature was verified)"
        " header.d=client.example;dmarc=pass action=none header.from=client.example;compauth=pass reason=100"
    )
    for value in (microsoft, f"; {PASS}"):
        bare = ("Authentication-Results", value)
        assert trust(bare, FOREIGN, rules={"authserv_ids": ("",)}) is Trust.VERIFIED
        assert trust(bare, FOREIGN) is Trust.UNVERIFIED
    assert trust(field(PASS), FOREIGN, rules={"authserv_ids": ("",)}) is Trust.UNVERIFIED


def test_from_any_other_peer_the_field_means_nothing() -> None:
    for results in (PASS, FAIL):
        assert trust(field(results), OURS, is_trusted_peer=False) is Trust.UNVERIFIED


def test_authenticated_submission_counts_for_that_address_only() -> None:
    assert trust(user="IVAN@client.example", is_trusted_peer=False) is Trust.VERIFIED
    assert trust(user="olga@client.example", is_trusted_peer=False) is Trust.UNVERIFIED
    assert trust(field(FAIL), OURS, user=IVAN.address) is Trust.VERIFIED


def test_an_internal_peer_vouches_for_its_domains() -> None:
    rules = {
        "internal_peers": (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
        "domains": ("client.example",),
    }
    assert trust(rules=rules, is_trusted_peer=False) is Trust.VERIFIED
    assert trust(rules=rules, is_trusted_peer=False, peer="2001:db8::1") is Trust.VERIFIED
    assert trust(rules=rules, is_trusted_peer=False, peer="198.51.100.1") is Trust.UNVERIFIED
    assert trust(rules=rules, is_trusted_peer=False, peer="") is Trust.UNVERIFIED
    assert trust(rules=rules, is_trusted_peer=False, author="x@sub.client.example") is Trust.UNVERIFIED
    assert trust(field("dmarc=none"), OURS, rules=rules) is Trust.VERIFIED
    assert trust(field(FAIL), OURS, rules=rules) is Trust.FAILED, "the border host may be one of them"
    assert trust(field(FAIL), OURS, rules=rules, is_trusted_peer=False) is Trust.VERIFIED, "anybody writes that"


def test_a_mail_without_exactly_one_author_is_never_verified() -> None:
    for change in ({"is_author_sole": False}, {"author": None}):
        mail = make_mail(headers=auth(PASS), **change)
        assert trust_in(mail, make_envelope(user=IVAN.address), make_policy()) is Trust.UNVERIFIED


def test_names_outside_ascii_are_compared_in_ascii() -> None:
    results = "dmarc=pass header.from=xn--e1afmkfd.xn--p1ai"
    assert trust(field(results), OURS, author="иван@пример.рф") is Trust.VERIFIED


@given(st.text(alphabet=' ;=()"\\.@abdmrcps\t\n', max_size=80))
def test_no_field_makes_reading_fail(value: str) -> None:
    authserv_id, results = read_results(value)
    assert isinstance(authserv_id, str)
    assert all(result.method == result.method.lower() for result in results)
    assert trust(("Authentication-Results", value), ("Received", value)) in Trust


@pytest.mark.parametrize(
    ("author", "domain", "is_one"),
    [
        ("a@news.shop.co.uk", "mail.shop.co.uk", True),
        ("a@shop.co.uk", "other.co.uk", False),
        ("a@shop.co.uk", "co.uk", False),
        ("a@anna.github.io", "mallory.github.io", False),
        ("a@github.io", "mallory.github.io", False),
        ("a@x.desk.example", "desk.example", True),
    ],
)
def test_an_organisation_ends_at_its_public_suffix(author: str, domain: str, is_one: bool) -> None:
    expected = Trust.VERIFIED if is_one else Trust.UNVERIFIED
    assert trust(field(f"dkim=pass header.d={domain}"), OURS, author=author) is expected


@pytest.mark.parametrize(
    ("author", "passed"),
    [
        ("anna@faß.example", "fass.example"),  # two owners since IDNA 2008
        ("anna@fass.example", "xn--fa-hia.example"),
        ("anna@office.example", "оffice.example"),  # a Cyrillic о
        ("anna@оffice.example", "office.example"),
        ("anna@office.example", "office.example.evil.example"),
        ("anna@office.example", "ofﬁce.evil.example"),
    ],
)
def test_look_alikes_are_not_equal(author: str, passed: str) -> None:
    assert trust(field(f"dmarc=pass header.from={passed}"), OURS, author=author) is Trust.UNVERIFIED


def test_what_we_have_checked_ourselves_counts_from_any_peer_and_the_worst_of_both() -> None:
    assert trust(is_trusted_peer=False, results=f"maild; {PASS}") is Trust.VERIFIED
    assert trust(is_trusted_peer=False, results=f"maild; {FAIL}") is Trust.FAILED
    assert trust(field(PASS), OURS, results=f"maild; {FAIL}") is Trust.FAILED
    assert trust(field(FAIL), OURS, results=f"maild; {PASS}") is Trust.FAILED
    assert trust(is_trusted_peer=False, results="maild; none") is Trust.UNVERIFIED


@pytest.mark.parametrize(
    ("headers", "position", "is_spam"),
    [
        ((("X-Spam-Flag", "YES"), OURS), "above", True),
        ((("x-spam-flag", " yes, score=9.1"), OURS), "above", True),
        ((("X-Spam-Flag", "NO"), OURS), "above", False),
        ((("X-Spam-Flag", "YES-NOT"), OURS), "above", False),
        ((OURS, ("X-Spam-Flag", "YES")), "above", False),
        ((OURS, ("X-Spam-Flag", "YES"), FOREIGN), "below", True),
        ((OURS, FOREIGN, ("X-Spam-Flag", "YES")), "below", False),
        ((("Subject", "X-Spam-Flag: YES"), OURS), "above", False),
    ],
)
def test_only_our_own_hop_says_what_is_spam(headers: tuple[tuple[str, str], ...], position: str, is_spam: bool) -> None:
    rules = make_trust(spam_field="X-Spam-Flag: YES", position=position)
    assert is_marked_spam(make_mail(headers=headers), make_envelope(), rules) is is_spam
    assert not is_marked_spam(make_mail(headers=headers), make_envelope(is_trusted_peer=False), rules)
    assert not is_marked_spam(make_mail(headers=headers), make_envelope(), make_trust(position=position))


GMAIL = "mx.provider.example"


def trust_in_mailbox(*headers: tuple[str, str], peer: str = "support", **rules: Any) -> Trust:
    """The verdict on a mail in a mailbox with rules of its own; the desk's own border is another one."""
    mailbox = MailboxRules("support", is_intake=True, trust=make_trust(**rules))
    policy = make_policy(mailboxes=(mailbox,))
    envelope = make_envelope(door=Door.IMAP, peer=peer, is_trusted_peer=True)
    return trust_in(make_mail(headers=headers, author=IVAN), envelope, policy)


def test_a_mailbox_has_a_border_of_its_own() -> None:
    own: dict[str, Any] = {"authserv_ids": (GMAIL,), "received_by": (GMAIL,)}
    assert trust_in_mailbox(field(PASS, GMAIL), **own) is Trust.VERIFIED
    assert trust_in_mailbox(field(PASS), **own) is Trust.UNVERIFIED, "the desk's border writes nothing there"
    assert trust_in_mailbox(field(PASS), peer="another", **own) is Trust.VERIFIED, "the rules of the desk itself"


def test_a_mailbox_may_trust_a_field_without_an_id_and_no_other() -> None:
    nameless: dict[str, Any] = {"authserv_ids": ("",), "received_by": ()}
    received = ("Received", f"from x by {GMAIL} with ESMTPS; Mon, 23 Nov 2026 12:00:00 +0000")
    assert trust_in_mailbox(("Authentication-Results", PASS), received, **nameless) is Trust.VERIFIED
    assert trust_in_mailbox(field(PASS, "evil.example"), received, **nameless) is Trust.UNVERIFIED
    assert trust_in_mailbox(received, ("Authentication-Results", PASS), **nameless) is Trust.UNVERIFIED


def test_a_provider_that_writes_below_its_received_field_is_believed_there() -> None:
    received = ("Received", f"by {GMAIL} with SMTP id 1; Mon, 23 Nov 2026 12:00:00 +0000")
    below: dict[str, Any] = {"authserv_ids": (GMAIL,), "received_by": (GMAIL,), "position": "below"}
    assert trust_in_mailbox(received, field(PASS, GMAIL), FOREIGN, **below) is Trust.VERIFIED
    assert trust_in_mailbox(received, FOREIGN, field(PASS, GMAIL), **below) is Trust.UNVERIFIED
    assert trust_in_mailbox(received, field(PASS, GMAIL), **{**below, "position": "above"}) is Trust.UNVERIFIED


def test_a_mailbox_called_like_an_internal_peer_is_none() -> None:
    internal = {"internal_peers": (ip_network("192.0.2.0/24"),), "domains": ("client.example",), "authserv_ids": ()}
    mailbox = MailboxRules("192.0.2.1", is_intake=True, trust=make_trust(**internal))
    envelope = make_envelope(door=Door.IMAP, peer="192.0.2.1")
    assert trust_in(make_mail(author=IVAN), envelope, make_policy(mailboxes=(mailbox,))) is Trust.UNVERIFIED


def test_trust_is_open_only_where_neither_door_nor_mailbox_has_a_border() -> None:
    closed, opened = make_trust(), make_trust(authserv_ids=())
    mailbox = MailboxRules("support", is_intake=True, trust=closed)
    assert make_policy(trust=opened).trusts_nobody
    assert not make_policy(trust=opened, mailboxes=(mailbox,)).trusts_nobody
    assert not make_policy(trust=closed).trusts_nobody
    assert not make_policy(trust=opened, mailboxes=(mailbox,)).for_mailbox("support").trust.is_open
