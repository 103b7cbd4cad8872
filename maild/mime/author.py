"""The author of a mail, from its header section alone: for who has to know before the mail is understood."""

from maild.core.address import normalise
from maild.mime import addresses, fields, parts


def sole_author(raw: bytes) -> str:
    """The normalised address of the one mailbox of the one From field, as `parse` would read it; "" for any other."""
    kept = fields.without_nul(raw)
    hint = fields.charset_hint(kept)
    found, _ = fields.split_section(parts.header_of(kept)[: parts.MAX_HEADER])
    values = [fields.unfold(value, hint) for name, value in found[: parts.MAX_FIELDS] if name.lower() == "from"]
    people = addresses.read_people({"from": values})
    return normalise(people.author.address) if people.author and people.is_author_sole else ""
