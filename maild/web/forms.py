"""The forms that our pages have: a hidden nonce, and what people type."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_FORM = 256 * 1024  # octets: a letter of Cyrillic takes six in a form
MAX_READ = 1024 * 1024  # octets: up to here a form that is too large gets a page, beyond it the connection ends
_FORM = "application/x-www-form-urlencoded"


async def form_in(request: Request) -> Mapping[str, str]:
    """The fields of a form, with line ends as \\n and without NUL; none in any other kind of body.

    The Origin field is not asked: under `Referrer-Policy: no-referrer` it is null. Raises HTTPException 413.
    """
    if len(await request.body()) > MAX_FORM:
        raise HTTPException(413)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    form = await request.form(max_part_size=MAX_FORM)
    return {name: plain(value) for name, value in form.items() if isinstance(value, str)}


async def nonce_in(request: Request) -> str:
    """The nonce in a form, or ""."""
    return (await form_in(request)).get("nonce", "")


def plain(value: str) -> str:
    """Browsers end lines with CRLF (WHATWG HTML §4.10.22.4); PostgreSQL keeps no NUL in a text."""
    plain = value.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return plain.encode("utf-8", "replace").decode()


def is_blank(text: str) -> bool:
    """Is there nothing to be seen in it: white space, zero-width characters?"""
    return not any(char.isprintable() and not char.isspace() for char in text)
