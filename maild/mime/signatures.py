"""The DKIM signatures of a mail that came in, verified (RFC 6376) by dkimpy, which comes with the extra `verify`.

Who asks the DNS is the caller's business: keys come from a function.
"""

import logging
from collections.abc import Callable

from maild.core.dmarc import Checked

Texts = Callable[[str], bytes | None]
"""The TXT record of a name, None if there is none; raises TimeoutError if it cannot be had now."""

MAX_SIGNATURES = 5  # of one mail: each costs a question and a calculation
_SILENT = logging.getLogger("maild.dkim")  # dkimpy writes down what strangers send
_SILENT.disabled = True


def check_signatures(raw: bytes, texts: Texts) -> list[Checked]:
    """The results of the topmost signatures, each with the domain that signed. Never raises."""
    from dkim import DKIM, DKIMException  # noqa: PLC0415 (an extra)

    try:
        signed = DKIM(raw, logger=_SILENT)
    except DKIMException:
        return []
    count = sum(name.lower() == b"dkim-signature" for name, _ in signed.headers)
    return [_check(signed, index, texts) for index in range(min(count, MAX_SIGNATURES))]


def _check(signed: "DKIM", index: int, texts: Texts) -> Checked:  # type: ignore[name-defined]  # noqa: F821
    from dkim import DKIMException  # noqa: PLC0415 (an extra)

    is_unknown = False

    def key(name: bytes, timeout: float = 0) -> bytes | None:
        nonlocal is_unknown
        try:
            return texts(name.decode("ascii").rstrip("."))
        except UnicodeDecodeError:
            return None
        except TimeoutError:
            is_unknown = True
            return None

    signed.domain = b""
    try:
        is_genuine = signed.verify(index, dnsfunc=key)
    except (DKIMException, ValueError, KeyError, TypeError, IndexError):  # its parser trusts what it reads
        return Checked("permerror", "")
    domain = signed.domain.decode("ascii", "replace").lower()
    if is_unknown:
        return Checked("temperror", domain)
    if is_genuine and b"l" in signed.signature_fields:
        # Whatever stands behind the signed length, anybody can have written (RFC 6376 §8.2).
        return Checked("policy", domain)
    return Checked("pass" if is_genuine else "fail", domain)
