"""Which HTML elements mail programs put around quotes and signatures.

Knows names, styles and first words of elements; what is done with the marks is decided elsewhere.
"""

import re
from enum import Enum, auto
from functools import lru_cache
from itertools import islice
from typing import Any

from maild.mime import wording

_MAX_NAME = 80  # characters; longer names are nobody's
_MAX_NAMES = 12
_PIECES = 24  # elements that are looked at to tell how a text begins
_MAX_WORDS = 500  # characters of it


class Mark(Enum):
    """What a program says of an element's content."""

    QUOTE = auto()  # old words
    BLOCK = auto()  # a block quotation: old words, or the author's own
    SIGNATURE = auto()
    SIGNATURE_ON = auto()  # a signature begins here and reaches to the next quote (Apple Mail)
    REST = auto()  # from here on everything is old


# Names in class, id, name and data-marker, in lower case, with the program that writes them.
_NAMES = {
    Mark.QUOTE: (
        "gmail_attr moz-cite-prefix moz-email-headers-table yahoo_quoted protonmail_quote zmail_extra "
        "mail-quote-collapse mailquote messagereplysection __quoted_text__ tutanota_quote reply-intro "
        "mailru-blockquote js-quote-wrapper cm_quote history_container edo-original edo-original-message "
        "groupwisereplyheader bloop_original_html canaryblockquote nylas-quote missive_quote front-blockquote "
        "freshdesk_quote spark_quote quoted-text quotedtext replyheader ecxgmail_quote hs_reply qt-quote"
    ),
    Mark.SIGNATURE: (
        "signature sig ms-outlook-mobile-signature protonmail_signature_block data-signature-widget applemailsignature "
        "composer_signature canarysig bloop_sign messagesignaturesection edo-signature cm_signature sh-signature "
        "signature_old signature-container signaturecontainer sendersignature x_signature idsignature"
    ),
    Mark.SIGNATURE_ON: "linebreakatbeginningofsignature",
    Mark.REST: (
        "divrplyfwdmsg appendonsend outlookmessageheader mail-editor-reference-message-container "
        "ms-outlook-mobile-reference-message ms-outlook-mobile-body-separator-line replyforwardmsg gwquote zwchr "
        "__divider__ __headers__ stopspelling isreplycontent _originalcontent _persistentheader _phcwrapper "
        "__pbconvhr quoted_header mail_android_quote originalmessage x_originalmessage"
    ),
}
_BY_NAME = {name: mark for mark, names in _NAMES.items() for name in names.split()}
_QUOTE_END = re.compile(r"(?:yahoo_quoted|gmail_quote_attribution|[-_]quote|[-_]quoted(?:[-_]text)?)$")
_CONTAINERS = frozenset({"gmail_quote", "gmail_quote_container", "gmail_extra"})  # answers may stand inside
_RULE_ABOVE = re.compile(r"border-top\s*:\s*[^;]*\bsolid\b|border\s*:\s*none;\s*border-top", re.IGNORECASE)
_BAR_AT_LEFT = re.compile(r"border-left(?:-width|-style)?\s*:\s*(?!0|none)[^;]*(?:solid|\dpx|\dpt)", re.IGNORECASE)
_QUOTE_SIGN = re.compile(
    "<blockquote|gmail_attr|moz-cite|yahoo_quoted|divrplyfwdmsg|appendonsend|outlookmessageheader|border-top:|"
    "[-_]quote|replyforwardmsg|reference-message|replysection|zwchr|__divider__|signature|border-left:",
    re.IGNORECASE,
)


def may_hold_quote(html: str) -> bool:
    """A quick look: is it worth rendering this HTML to find where its quote begins?"""
    return _QUOTE_SIGN.search(html) is not None


def mark_of(element: Any, tag: str) -> Mark | None:
    """What an element says of its content, None for nothing."""
    attributes = element.attrib
    if not attributes and tag != "blockquote":
        return None
    names = _names_of(attributes)
    if tag == "blockquote":
        return _blockquote(element, names)
    mark = next((found for name in names if (found := _mark_of_name(name))), None)
    if mark is Mark.QUOTE and _is_forward(element):
        return None
    return mark or _mark_of_style(element, attributes.get("style", ""))


def _names_of(attributes: Any) -> list[str]:
    words = [attributes.get(key, "") for key in ("class", "id", "name", "data-marker")]
    return " ".join(words).lower().split()[:_MAX_NAMES] if any(words) else []


@lru_cache(maxsize=2048)
def _mark_of_name(name: str) -> Mark | None:
    """Outlook puts x_ before foreign names, mail.ru _mr_css_attr behind them, Yahoo and AOL codes before their own."""
    bare = name[:_MAX_NAME].removesuffix("_mr_css_attr")
    while bare.startswith("x_"):
        bare = bare[2:]
    if bare in _CONTAINERS:
        return None
    if bare in _BY_NAME:
        return _BY_NAME[bare]
    if bare.endswith(("-signature", "_signature")):
        return Mark.SIGNATURE
    return Mark.QUOTE if _QUOTE_END.search(bare) else None


def _blockquote(element: Any, names: list[str]) -> Mark | None:
    is_named = any("gmail_quote" in name or _mark_of_name(name) is Mark.QUOTE for name in names)
    if element.get("type", "").lower() != "cite" and not is_named:
        return Mark.BLOCK
    return None if _is_forward(element) else Mark.QUOTE


def _is_forward(element: Any) -> bool:
    """Apple Mail, Gmail and Spark put forwarded mail into the same elements as quotes."""
    return wording.is_forward_line(first_words(element))


def _mark_of_style(element: Any, style: str) -> Mark | None:
    """Outlook for Windows marks the quoted header only by the line above it, web mails quotes by a bar at the left."""
    if "border" not in style:
        return None
    if _RULE_ABOVE.search(style) and wording.is_from_line(first_words(element)):
        return Mark.REST
    return Mark.BLOCK if _BAR_AT_LEFT.search(style) else None


def first_words(element: Any) -> str:
    """How the text of an element begins. Only a few elements are looked at, however deep they are nested."""
    pieces: list[str] = []
    for one in islice(element.iter(), _PIECES):
        pieces.append(one.text or "")
        if one is not element and not len(one):
            pieces.append(one.tail or "")
    return "".join(pieces).strip()[:_MAX_WORDS]
