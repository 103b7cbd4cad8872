"""Whose tries are counted together: all that one connection to the internet has."""

from ipaddress import IPv6Address, ip_address


def network_of(client: str) -> str:
    """The network of a client's address: whoever has one IPv6 address has a whole /64. Anything else is itself."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    return address.exploded[:19] if isinstance(address, IPv6Address) else client
