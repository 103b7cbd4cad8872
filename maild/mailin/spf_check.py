"""SPF (RFC 7208) by pyspf, which comes with the extra `verify`: may this client send for that domain?"""

from typing import Any

from maild.core.address import ascii_domain
from maild.core.dmarc import Checked
from maild.mailin.lookup import Lookup

_MAX_VOID = 2  # names without records that one check may ask for (RFC 7208 §4.6.4)


def check_spf(peer: str, mail_from: str, helo: str, lookup: Lookup) -> Checked:
    """The result for a client's address, and the domain of the envelope sender (the HELO name for the null one).

    Never raises; what pyspf stumbles over is a permanent error of the domain's.
    """
    domain = ascii_domain((mail_from or helo).rpartition("@")[2])
    if not domain or not peer:
        return Checked("none", "")
    try:
        result = _query(lookup)(i=peer, s=mail_from, h=helo or domain).check()[0]
    except TimeoutError:
        return Checked("temperror", domain)
    except Exception:  # noqa: BLE001 - pyspf raises bare Exceptions at strange input; one mail must not stop the door
        return Checked("permerror", domain)
    return Checked(str(result), domain)


def _query(lookup: Lookup) -> Any:
    """pyspf's query, asking our resolver: its own has a time limit for each question only."""
    import spf  # noqa: PLC0415 (an extra)

    class Query(spf.query):  # type: ignore[misc]
        def dns(self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:
            try:
                found = lookup.records(str(name), qtype)
            except TimeoutError as error:
                raise spf.TempError(str(error)) from error
            if not found and not ignore_void:
                self.void_lookups += 1
                if self.void_lookups > _MAX_VOID:
                    raise spf.PermError("too many names without records")
            return [_value(record, qtype) for record in found]

    return Query


def _value(record: Any, kind: str) -> Any:
    """A record as pyspf wants it."""
    match kind:
        case "A" | "AAAA":
            return record.address
        case "MX":
            return record.preference, record.exchange.to_text(omit_final_dot=True)
        case "PTR":
            return record.target.to_text(omit_final_dot=True)
        case _:
            return record.strings
