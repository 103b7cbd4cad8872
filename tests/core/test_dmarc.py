"""What a domain asks for by DMARC, and what follows (RFC 7489)."""

import pytest

from maild.core.dmarc import Checked, Record, dmarc_result, read_record

NOTHING = Checked("none", "")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["v=DMARC1; p=reject"], Record("reject", "reject", False, False)),
        (["v=DMARC1;p=None; sp=quarantine ; adkim=s;aspf=r"], Record("none", "quarantine", True, False)),
        (["v=spf1 -all", "v = DMARC1; P = Quarantine; aspf=S"], Record("quarantine", "quarantine", False, True)),
        (["v=DMARC1; p=reject; sp=nonsense"], Record("reject", "reject", False, False)),
        (["v=DMARC1; p=nonsense; rua=mailto:x@client.example"], Record("none", "none", False, False)),
        (["v=DMARC1; p=nonsense"], None),
        (["v=DMARC1"], None),
        (["v=DMARC1; p=reject", "v=DMARC1; p=none"], None),
        (["v=dmarc1; p=reject"], None),
        (["v=DMARC11; p=reject"], None),
        (["p=reject; v=DMARC1"], None),
        ([""], None),
        ([], None),
    ],
)
def test_a_record_is_read_as_it_is_published(texts: list[str], expected: Record | None) -> None:
    assert read_record(texts) == expected


RELAXED, STRICT = Record("reject", "reject", False, False), Record("reject", "reject", True, True)


@pytest.mark.parametrize(
    ("record", "spf", "signature", "expected"),
    [
        (RELAXED, Checked("pass", "client.example"), NOTHING, "pass"),
        (RELAXED, Checked("pass", "b.client.example"), NOTHING, "pass"),
        (STRICT, Checked("pass", "b.client.example"), NOTHING, "fail"),
        (RELAXED, Checked("pass", "esp.example"), NOTHING, "fail"),
        (RELAXED, Checked("softfail", "client.example"), Checked("pass", "client.example"), "pass"),
        (RELAXED, NOTHING, Checked("pass", "mail.client.example"), "pass"),
        (STRICT, NOTHING, Checked("pass", "mail.client.example"), "fail"),
        (RELAXED, NOTHING, Checked("pass", "esp.example"), "fail"),
        (RELAXED, NOTHING, Checked("policy", "client.example"), "fail"),
        (RELAXED, Checked("temperror", "client.example"), NOTHING, "temperror"),
        (RELAXED, Checked("fail", "client.example"), Checked("temperror", "client.example"), "temperror"),
        (RELAXED, Checked("temperror", "esp.example"), Checked("fail", "client.example"), "fail"),
        (RELAXED, NOTHING, NOTHING, "fail"),
    ],
)
def test_one_aligned_pass_is_enough(record: Record, spf: Checked, signature: Checked, expected: str) -> None:
    assert dmarc_result(record, "client.example", spf, [signature]) == expected
