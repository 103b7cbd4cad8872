"""TLS for tests: a certificate that nobody vouches for, and what a client needs to talk inside it."""

import ssl
import subprocess
from pathlib import Path

from maild.core.passwords import PasswordHash, hash_of
from tests.servers import require

PASSWORD = "a word, and one more"


def certificate(folder: Path, days: str = "2") -> tuple[Path, Path]:
    """A new certificate and its key."""
    require("openssl")
    key, made = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=desk.example -days"
    subprocess.run([*command.split(), days, "-keyout", key, "-out", made], check=True, capture_output=True)
    return made, key


def client_context() -> ssl.SSLContext:
    """A client that asks for no names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def users() -> dict[str, PasswordHash]:
    return {"anna@office.example": hash_of(PASSWORD, b"sixteen octets..")}
