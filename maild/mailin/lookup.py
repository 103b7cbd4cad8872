"""Questions to the DNS within a time limit, by dnspython, which comes with the extra `verify`."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dns.resolver import Resolver

_ONE_SERVER = 1.5  # seconds until the next name server is asked


def system_resolver() -> "Resolver":
    """The name servers of /etc/resolv.conf."""
    from dns.resolver import Resolver  # noqa: PLC0415 (an extra)

    resolver = Resolver()
    resolver.timeout = _ONE_SERVER
    return resolver


class Lookup:
    """The questions about one mail. Each answer is kept, and all of them end at the same moment."""

    def __init__(self, resolver: "Resolver", seconds: float) -> None:
        self._resolver = resolver
        self._end = time.monotonic() + seconds
        self._kept: dict[tuple[str, str], list[Any]] = {}

    def records(self, name: str, kind: str) -> list[Any]:
        """The records of a name, CNAMEs followed; none if there are none. Raises TimeoutError if nobody says so."""
        key = name.lower().rstrip("."), kind
        if key not in self._kept:
            self._kept[key] = self._ask(*key)
        return self._kept[key]

    def texts(self, name: str) -> list[bytes]:
        """The TXT records of a name, each in one piece."""
        return [b"".join(record.strings) for record in self.records(name, "TXT")]

    def _ask(self, name: str, kind: str) -> list[Any]:
        from dns import exception, resolver  # noqa: PLC0415 (an extra)

        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time left for the DNS")
        try:
            return list(self._resolver.resolve(name, kind, lifetime=left, search=False))
        except (resolver.NXDOMAIN, resolver.NoAnswer):
            return []
        except (exception.Timeout, resolver.NoNameservers, OSError) as error:
            raise TimeoutError(f"no answer from the DNS for {kind}") from error
        except (exception.DNSException, UnicodeError):
            return []  # not a name at all


LookupFor = Callable[[], Lookup]
