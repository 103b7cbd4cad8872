"""What real border hosts write on top of a mail, for tests: the header sections of nine makers, pass, none and fail.

`{d}` is the author's domain, `{a}` his address. `none` is a domain without DMARC whose mail nothing else vouches for.
"""

from dataclasses import dataclass

_DATE = "Mon, 23 Nov 2026 12:00:00 +0000"


@dataclass(frozen=True, slots=True)
class Writer:
    """A border host: the admin's `[trust]` for it, and what it writes."""

    rules: dict[str, object]
    passed: str
    none: str
    failed: str
    lenient: str = ""  # a failure where the domain asks for nothing (p=none)


def _received(by: str, how: str = "ESMTPS") -> str:
    return f"Received: from out.{{d}} (out.{{d}} [192.0.2.9])\n\tby {by} with {how} id 4cX\n\tfor <x>; {_DATE}\n"


_POSTFIX = "mx.desk.example"
_OPENDMARC = (
    "Authentication-Results: mx.desk.example; dmarc={} (p={} dis=none) header.from={{d}}\n"
    "Authentication-Results: mx.desk.example; spf={} smtp.mailfrom={{a}}\n"
    "Authentication-Results: mx.desk.example;\n\tdkim={} (2048-bit key; unprotected) header.d={{d}} header.i=@{{d}}"
    ' header.a=rsa-sha256 header.s=s1 header.b="Ab/9c+Zz";\n\tdkim-atps=neutral\n'
)
_RSPAMD = "Authentication-Results: mail.desk.example;\n\tdkim={} header.d={{d}} header.s=mail header.b=tYq1zX5a;\n"
_GMAIL_TOP = (
    "Delivered-To: desk@gmail.example\n"
    f"Received: by 2002:a05:7300:d50c:b0:1a2:b3c4 with SMTP id k12csp;\n        {_DATE}\n"
    "X-Received: by 2002:a17:90b:4d12:b0:2ea with SMTP id 98e67ed59e1d1;\n"
    "ARC-Authentication-Results: i=1; mx.google.com;\n       dmarc=pass (p=NONE sp=NONE dis=NONE) header.from={d}\n"
    "Return-Path: <{a}>\n"
    f"Received: from out.{{d}} (out.{{d}}. [192.0.2.9])\n        by mx.google.com with ESMTPS id 98e67\n"
    f"        for <desk@gmail.example>;\n        {_DATE}\n"
    "Received-SPF: pass (google.com: domain of {a} designates 192.0.2.9 as permitted sender) client-ip=192.0.2.9;\n"
)
_MICROSOFT_TOP = (
    "Received: from AM0PR02MB1.eurprd02.prod.outlook.com (2603:10a6:208::5)\n by DB9PR02MB2.eurprd02.prod.outlook.com"
    f" with HTTPS; {_DATE}\n"
    "Received: from AS9PR06CA1.eurprd06.prod.outlook.com (2603:10a6:20b::1) by\n"
    f" AM0PR02MB1.eurprd02.prod.outlook.com with Microsoft SMTP Server; {_DATE}\n"
)
_MICROSOFT_END = (
    "Received-SPF: Pass (protection.outlook.com: domain of {d} designates 192.0.2.9 as permitted sender)\n"
    "Received: from out.{d} (192.0.2.9) by\n AMS0EPF00001.mail.protection.outlook.com (10.167.16.1) with Microsoft"
    f" SMTP Server; {_DATE}\n"
)


def _microsoft(results: str) -> str:
    return f"{_MICROSOFT_TOP}Authentication-Results: {results}\n{_MICROSOFT_END}"


def _opendmarc(dmarc: str, policy: str, spf: str, dkim: str) -> str:
    return _OPENDMARC.format(dmarc, policy, spf, dkim) + _received(_POSTFIX)


def _gmail(results: str) -> str:
    return f"{_GMAIL_TOP}Authentication-Results: mx.google.com;\n       {results}\n"


def _yandex(results: str) -> str:
    return (
        f"Received: from mxfront8g.mail.yandex.net ([127.0.0.1])\n\tby mxfront8g.mail.yandex.net with LMTP id 0q;"
        f" {_DATE}\n"
        + _received("mxfront8g.mail.yandex.net (nwsmtp/Yandex)")
        + f"X-Yandex-Front: mxfront8g.mail.yandex.net\nAuthentication-Results: mxfront8g.mail.yandex.net; {results}\n"
        "X-Yandex-Spam: 1\n"
    )


def _mail_ru(results: str) -> str:
    return (
        "Delivered-To: desk@mail.example\nReturn-path: <{a}>\nAuthentication-Results: mxs.mail.ru; " + results + "\n"
        "Received-SPF: pass (mx271.i.mail.ru: domain of {d} designates 192.0.2.9 as permitted sender)\n"
        f"Received: from out.{{d}} ([192.0.2.9]:40312)\n\tby mx271.i.mail.ru with esmtp\n\tid 1r; {_DATE}\n"
    )


def _fastmail(results: str) -> str:
    return (
        f"Received: from phl-compute-01.internal (10.202.2.41)\n\t by sloti1 (Cyrus) with LMTPA; {_DATE}\n"
        "ARC-Authentication-Results: i=1; mx3.messagingengine.com; arc=none (no signatures found)\n"
        f"Authentication-Results: mx3.messagingengine.com;\n    arc=none (no signatures found);\n    {results}\n"
        + _received("mx3.messagingengine.com (Postfix)")
    )


_MS_PASS = (
    "spf=pass (sender IP is 192.0.2.9)\n smtp.mailfrom={d}; dkim=pass (signature was verified)\n header.d={d};"
    "dmarc=pass action=none\n header.from={d};compauth=pass reason=100"
)

WRITERS: dict[str, Writer] = {
    "postfix with opendmarc and opendkim": Writer(
        {"authserv_ids": (_POSTFIX,)},
        passed=_opendmarc("pass", "reject", "pass", "pass"),
        none=_opendmarc("none", "none", "fail", "none"),
        failed=_opendmarc("fail", "reject", "softfail", "none"),
        lenient=_opendmarc("fail", "none", "softfail", "none"),
    ),
    "postfix with rspamd": Writer(
        {"authserv_ids": ("mail.desk.example",)},
        passed=_RSPAMD.format("pass")
        + "\tdmarc=pass (policy=reject) header.from={d};\n\tspf=pass (mail.desk.example: domain of {a} designates"
        " 192.0.2.9 as permitted sender) smtp.mailfrom={a}\n" + _received("mail.desk.example (Postfix)"),
        none="Authentication-Results: mail.desk.example;\n\tdkim=none;\n\tdmarc=none;\n\tspf=none (mail.desk.example:"
        " domain of {a} has no SPF policy when checking 192.0.2.9) smtp.mailfrom={a}\n"
        + _received("mail.desk.example (Postfix)"),
        failed="Authentication-Results: mail.desk.example;\n\tdkim=none;\n\tspf=softfail smtp.mailfrom={a};\n"
        '\tdmarc=fail reason="SPF not aligned (relaxed), No valid DKIM" header.from={d} (policy=quarantine)\n'
        + _received("mail.desk.example (Postfix)"),
        lenient='Authentication-Results: mail.desk.example;\n\tdmarc=fail reason="SPF not aligned (relaxed), No valid'
        ' DKIM" header.from={d} (policy=none)\n' + _received("mail.desk.example (Postfix)"),
    ),
    "gmail": Writer(
        {"authserv_ids": ("mx.google.com",), "position": "below"},
        passed=_gmail(
            "dkim=pass header.i=@{d} header.s=s1 header.b=Xk3Yz;\n       spf=pass (google.com: domain of {a} designates"
            " 192.0.2.9 as permitted sender) smtp.mailfrom={a};\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE)"
            " header.from={d}"
        ),
        none=_gmail("spf=neutral (google.com: 192.0.2.9 is neither permitted nor denied) smtp.mailfrom={a}"),
        failed=_gmail("spf=softfail smtp.mailfrom={a};\n       dmarc=fail (p=QUARANTINE sp=QUARANTINE"
                      " dis=QUARANTINE) header.from={d}"),
        lenient=_gmail("spf=softfail smtp.mailfrom={a};\n       dmarc=fail (p=NONE sp=NONE dis=NONE) header.from={d}"),
    ),
    "microsoft 365": Writer(
        {"authserv_ids": ("",), "received_by": ("*.mail.protection.outlook.com",)},
        passed=_microsoft(_MS_PASS),
        none=_microsoft(
            "spf=none (sender IP is 192.0.2.9)\n smtp.mailfrom={d}; dkim=none (message not signed)\n"
            " header.d=none;dmarc=none action=none\n header.from={d};compauth=fail reason=001"
        ),
        failed=_microsoft(
            "spf=fail (sender IP is 192.0.2.9)\n smtp.mailfrom={d}; dkim=none (message not signed)\n"
            " header.d=none;dmarc=fail action=oreject\n header.from={d};compauth=fail reason=000"
        ),
        lenient=_microsoft(
            "spf=softfail (sender IP is 192.0.2.9)\n smtp.mailfrom={d}; dkim=none (message not signed)\n"
            " header.d=none;dmarc=fail action=none\n header.from={d};compauth=fail reason=001"
        ),
    ),
    "microsoft 365, the whole mailbox": Writer(
        {"authserv_ids": ("",), "position": "below"},
        passed=_microsoft(_MS_PASS),
        none=_microsoft("spf=none (sender IP is 192.0.2.9)\n smtp.mailfrom={d}; dkim=none\n header.d=none"),
        failed=_microsoft("dkim=none;dmarc=fail action=quarantine\n header.from={d};compauth=fail reason=000"),
    ),
    "yandex": Writer(
        {"authserv_ids": ("*.mail.yandex.net",), "position": "below"},
        passed=_yandex(
            "spf=pass (mxfront8g.mail.yandex.net: domain of {d} designates 192.0.2.9 as permitted sender,"
            " rule=[ip4:192.0.2.0/24]) smtp.mail={a}; dkim=pass header.i=@{d}"
        ),
        none=_yandex("spf=neutral (mxfront8g.mail.yandex.net: 192.0.2.9 is neutral) smtp.mail={a}"),
        failed=_yandex("spf=fail smtp.mail={a}; dkim=none; dmarc=fail (p=reject) header.from={d}"),
    ),
    "mail.ru": Writer(
        {"authserv_ids": ("mxs.mail.ru",), "received_by": ("*.mail.ru",)},
        passed=_mail_ru(
            "spf=pass (mx271.i.mail.ru: domain of {d} designates 192.0.2.9 as permitted sender) smtp.mailfrom={a}"
            " smtp.helo=out.{d};\n\t dkim=pass header.d={d}; dmarc=pass header.from={a}"
        ),
        none=_mail_ru("spf=none () smtp.mailfrom={a} smtp.helo=out.{d}"),
        failed=_mail_ru("spf=fail smtp.mailfrom={a} smtp.helo=out.{d};\n\t dmarc=fail header.from={d}"),
    ),
    "exim": Writer(
        {"authserv_ids": ("mx.exim.example",)},
        passed="Authentication-Results: mx.exim.example;\n\tiprev=pass (out.{d}) smtp.remote-ip=192.0.2.9;\n\tspf=pass"
        " smtp.mailfrom={d};\n\tdkim=pass header.d={d} header.s=s1;\n\tdmarc=pass header.from={d};\n"
        "\tarc=none\n" + _received("mx.exim.example", "esmtps (TLS1.3)"),
        none="Authentication-Results: mx.exim.example;\n\tiprev=fail smtp.remote-ip=192.0.2.9;\n\tspf=none"
        " smtp.mailfrom={d}\n" + _received("mx.exim.example", "esmtp"),
        failed="Authentication-Results: mx.exim.example;\n\tspf=fail smtp.mailfrom={d};\n\tdmarc=fail header.from={d}\n"
        + _received("mx.exim.example", "esmtp"),
    ),
    "fastmail": Writer(
        {"authserv_ids": ("mx3.messagingengine.com",)},
        passed=_fastmail(
            "dkim=pass (2048-bit rsa key sha256) header.d={d} header.i=@{d}\n    header.b=BXsa2Qqs header.a=rsa-sha256"
            " header.s=s1 x-bits=2048;\n    dmarc=pass policy.published-domain-policy=reject\n"
            "    policy.applied-disposition=none policy.evaluated-disposition=none (p=reject,d=none,d.eval=none)"
            " policy.policy-from=p header.from={d};\n    iprev=pass smtp.remote-ip=192.0.2.9 (out.{d});\n    spf=pass"
            " smtp.mailfrom={a} smtp.helo=out.{d};\n    x-aligned-from=pass (Address match)"
        ),
        none=_fastmail("dkim=none (no signatures found); spf=none smtp.mailfrom={a} smtp.helo=out.{d}"),
        failed=_fastmail(
            "dmarc=fail policy.published-domain-policy=quarantine policy.applied-disposition=quarantine\n"
            "    (p=quarantine,d=quarantine) header.from={d}; spf=fail smtp.mailfrom={a}"
        ),
        lenient=_fastmail(
            "dmarc=fail policy.published-domain-policy=none policy.applied-disposition=none\n    (p=none,d=none)"
            " header.from={d}; spf=fail smtp.mailfrom={a}"
        ),
    ),
}  # fmt: skip
