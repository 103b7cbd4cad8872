"""HTML of strangers made harmless by an allow-list (nh3): what may be shown beside our own pages.

No script, style, svg, math, form or frame; images only from the mail itself (`cid:`), so that opening a ticket tells
nobody anything.
"""

import re
from collections import Counter
from html import escape

import nh3

from maild.mime.html import to_text

_TAGS = frozenset(
    "a abbr b bdi blockquote br caption center cite code col colgroup dd del details div dl dt em figcaption figure h1 "
    "h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong sub summary sup table tbody td "
    "tfoot th thead tr tt u ul var".split()
)
_DROPPED_WITH_CONTENT = frozenset(
    "script style svg math form iframe object embed applet noscript template title textarea select xmp".split()
)
_ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align"},
    "ol": {"start"},
}
_MAX_HTML = 2 * 1024 * 1024  # characters
_MAX_OPEN = 1000  # elements open at once; nh3 needs quadratic time for deep nesting
_MAX_ESCAPES = 40_000  # entities; nh3 needs quadratic time for long rows of them
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_CLOSED_BY_NEXT = frozenset("area br col hr img input link meta source wbr p li td th tr dd dt option tbody".split())


def _keep(tag: str, attribute: str, value: str) -> str | None:
    """Images come from the mail itself, links go out by http, https, mailto or tel."""
    address = value.strip().lower()
    if attribute == "src":
        return value if address.startswith("cid:") else None
    if attribute == "href":
        return value if address.startswith(("http://", "https://", "mailto:", "tel:")) else None
    return value


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_DROPPED_WITH_CONTENT,
    attributes=_ATTRIBUTES,
    attribute_filter=_keep,
    url_schemes={"http", "https", "mailto", "tel", "cid"},
    link_rel="noopener noreferrer nofollow",
)


_CODE_CLEANER = nh3.Cleaner(
    tags={"pre", "code", "span"}, attributes={"span": {"class"}}, clean_content_tags=set(), link_rel=None
)


def clean_code(html: str) -> str:
    """Coloured code and nothing else: pre, code, and spans with a class."""
    return _CODE_CLEANER.clean(html)


def clean(html: str) -> str:
    """The harmless part of some HTML as a fragment.

    Markup beyond 2 Mi characters is left out; of absurd markup only the text is kept.
    """
    if _is_too_deep(html[:_MAX_HTML]) or html.count("&") + html.count("\u00a0") > _MAX_ESCAPES:
        return f"<pre>{escape(to_text(html).text)}</pre>"
    return _CLEANER.clean(html[:_MAX_HTML]).strip()


def _is_too_deep(html: str) -> bool:
    """Are there ever too many elements open at once? Counted by name, so that foreign end tags close nothing."""
    if html.count("<") <= _MAX_OPEN:
        return False
    opened: Counter[str] = Counter()
    depth = 0
    for slash, tag in _TAG.findall(html):
        name = tag.lower()
        if name in _CLOSED_BY_NEXT or (slash and not opened[name]):
            continue
        step = -1 if slash else 1
        opened[name] += step
        depth += step
        if depth > _MAX_OPEN:
            return True
    return False
