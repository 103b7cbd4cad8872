"""HTML of strangers made harmless by an allow-list (nh3): what may be shown beside our own pages.

No script, style, svg, math, form or frame; images only from the mail itself (`cid:`), so that opening a ticket tells
nobody anything.
"""

import nh3

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


def clean(html: str) -> str:
    """The harmless part of some HTML as a fragment; markup beyond 2 Mi characters is left out."""
    return _CLEANER.clean(html[:_MAX_HTML]).strip()
