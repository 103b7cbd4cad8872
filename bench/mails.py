"""Mails to measure with: each one different, the same again for the same number."""

import random
from base64 import encodebytes

DOMAIN = "desk.test"
HOST = f"mx.{DOMAIN}"  # the border host that vouches for authors
TO = f"billing@{DOMAIN}"

_WORDS = (
    "здравствуйте подскажите пожалуйста почему счёт за прошлый месяц до сих пор не пришёл хотя оплата прошла третьего "
    "числа в личном кабинете вижу только старый договор номер и адрес прошу проверить исправить отправить повторно акт "
    "сверки копию платёжного поручения прикладываю заранее благодарю если нужны ещё данные напишите сегодня или завтра"
).split()

_TEXT = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
_MULTIPART = 'Content-Type: multipart/{}; boundary="=_b"\r\n\r\n--=_b\r\n'
_FILE = (
    'Content-Type: application/pdf; name="act.pdf"\r\nContent-Disposition: attachment; filename="act.pdf"\r\n'
    "Content-Transfer-Encoding: base64\r\n\r\n"
)


def author(number: int) -> str:
    """Everybody has a domain of his own, so that nobody meets a budget."""
    return f"ivan@firma{number}.test"


def text_mail(number: int, size: int = 4096, *, who: str = "", answers: str = "") -> bytes:
    """Cyrillic text, `size` octets in all; `who` is its author's address, `answers` a Message-ID."""
    head = _head(number, who, answers) + _TEXT
    return (head + _prose(number, size - len(head))).encode()


def html_mail(number: int, size: int = 33_000) -> bytes:
    """HTML as mail programs write it, with its plain twin; a table of rows up to about `size` octets."""
    rows, row = "", random.Random(number)
    while len(rows.encode()) < size * 3 // 4:
        cells = "".join(f'<td style="padding:2px 8px">{row.choice(_WORDS)}</td>' for _ in range(5))
        link = f'<a href="https://firma.test/{len(rows)}">{row.choice(_WORDS)}</a>'
        rows += f'<tr class="r">{cells}<td>{link}</td></tr>\r\n'
    html = (
        "<html><head><style>td{font-family:Arial}</style></head><body><p>Добрый день!</p>\r\n<table>\r\n"
        f"{rows}</table>\r\n<p>С уважением,<br>Иван</p></body></html>\r\n"
    )
    plain = _TEXT + _prose(number, size // 4)
    rich = _TEXT.replace("plain", "html") + html
    return f"{_head(number)}{_MULTIPART.format('alternative')}{plain}\r\n--=_b\r\n{rich}\r\n--=_b--\r\n".encode()


def attachment_mail(number: int, size: int = 2**20) -> bytes:
    """A few words and a file that cannot be compressed, `size` octets as it goes over the wire."""
    octets = random.Random(number).randbytes((size - 2000) * 57 // 78)  # base64 lines: 57 octets become 78
    file = encodebytes(octets).replace(b"\n", b"\r\n")
    words = f"{_head(number)}{_MULTIPART.format('mixed')}{_TEXT}{_prose(number, 600)}\r\n--=_b\r\n{_FILE}"
    return words.encode() + file + b"--=_b--\r\n"


def _head(number: int, who: str = "", answers: str = "") -> str:
    who = who or author(number)
    domain = who.partition("@")[2]
    references = f"In-Reply-To: <{answers}>\r\nReferences: <{answers}>\r\n" if answers else ""
    return (
        f"Authentication-Results: {HOST}; dmarc=pass header.from={domain}; spf=pass\r\n"
        f" smtp.mailfrom={who}\r\n"
        f"Received: from mail.{domain} (mail.{domain} [192.0.2.7])\r\n"
        f" by {HOST} (Postfix) with ESMTPS id 4X{number:08}; Mon, 23 Nov 2026 12:00:00 +0300\r\n"
        f"From: =?utf-8?B?0JjQstCw0L0g0J/QtdGC0YDQvtCy?= <{who}>\r\n"
        f"To: <{TO}>\r\n"
        f"Subject: =?utf-8?B?0J3QtSDQv9GA0LjRhdC+0LTQuNGCINGB0YfRkdGC?= {number}\r\n"
        "Date: Mon, 23 Nov 2026 12:00:00 +0300\r\n"
        f"Message-ID: <{message_id(number)}>\r\n{references}"
        "User-Agent: Mozilla Thunderbird\r\nContent-Language: ru\r\nMIME-Version: 1.0\r\n"
    )


def message_id(number: int) -> str:
    """The Message-ID of that mail, without brackets."""
    return f"q{number}@firma.test"


def _prose(number: int, size: int) -> str:
    """So many octets of words, in lines of a dozen."""
    words, text = random.Random(number), ""
    while (room := size - len(text.encode())) > 0:
        line = " ".join(words.choice(_WORDS) for _ in range(12)).capitalize() + ".\r\n"
        text += line if len(line.encode()) <= room else "x" * max(room - 2, 0) + "\r\n"
    return text
