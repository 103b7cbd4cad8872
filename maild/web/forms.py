"""The one form that our pages have: a hidden nonce."""

from starlette.requests import Request

MAX_FORM = 16 * 1024  # octets
_FORM = "application/x-www-form-urlencoded"


async def nonce_in(request: Request) -> str:
    """The nonce in a form, or "". The Origin field is not asked: under `Referrer-Policy: no-referrer` it is null."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return ""
    form = await request.form(max_part_size=MAX_FORM)
    return str(form.get("nonce", ""))
