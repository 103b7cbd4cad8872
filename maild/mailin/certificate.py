"""Until when a certificate is good: asked of a client that trusts just this one, in memory, over no network."""

import ssl
from datetime import UTC, datetime
from pathlib import Path


def expiry(server: ssl.SSLContext, certificate: Path) -> datetime:
    """The end of the certificate's time. Raises ssl.SSLError if it is over already, or has not begun."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself, not who signed it
    trusting.load_verify_locations(certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = server.wrap_bio(to_server, to_client, server_side=True)
    here = trusting.wrap_bio(to_client, to_server)
    while not _is_done(here):
        _is_done(there)
    found = here.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)


def _is_done(side: ssl.SSLObject) -> bool:
    """One step of the handshake."""
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
