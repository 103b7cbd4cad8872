"""What one can write about: the desk's categories and topics, each with a mail that is ready to be written."""

from urllib.parse import quote

from maild.core.policy import Category, Policy, Topic


def catalogue(policy: Policy, language: str) -> list[dict[str, object]]:
    """Categories in their order, with titles in that language, addresses and `mailto:` links (RFC 6068)."""
    return [
        {
            "title": category.title.into(language),
            "address": category.address,
            "mailto": f"mailto:{_quoted(category.address)}",
            "topics": [_topic(policy, category, topic, language) for topic in category.topics],
        }
        for category in policy.categories
    ]


def _topic(policy: Policy, category: Category, topic: Topic, language: str) -> dict[str, str]:
    """A topic has an address of its own, or where the provider knows no plus-addresses, a tag in the subject."""
    if policy.subaddress:
        local, _, domain = category.address.rpartition("@")
        address = f"{local}+{topic.key}@{domain}"
        return {"title": topic.title.into(language), "address": address, "mailto": f"mailto:{_quoted(address)}"}
    subject = quote(f"[{topic.key}] ", safe="")
    mailto = f"mailto:{_quoted(category.address)}?subject={subject}"
    return {"title": topic.title.into(language), "address": category.address, "mailto": mailto}


def _quoted(address: str) -> str:
    return quote(address, safe="@+")
