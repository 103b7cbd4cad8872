"""Access tokens for mail servers that take no passwords: made of a refresh token over HTTPS (RFC 6749 §6).

Knows no mail protocol. Tokens and secrets never get into a log or an error.
"""

import asyncio
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maild.config_model import OAuth
from maild.config_values import read_bytes
from maild.core.errors import Unreachable

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

_TIMEOUT = 20.0  # seconds
_EARLY = 300.0  # seconds before its end at which a token is replaced
_USUAL_LIFE = 3600.0  # seconds, where the server does not say


class AccessTokens:
    """The access token of one login; asked for when there is none, or when the one there is will soon be over."""

    def __init__(self, settings: OAuth) -> None:
        self._settings = settings
        self._token = ""
        self._good_until = 0.0  # by the clock that never jumps
        self._refresh_token = ""  # a newer one than the file's, which could not be written
        self._asking = asyncio.Lock()

    async def current(self) -> str:
        """A token that is good for some minutes at least. Raises Unreachable if there is none to be had now."""
        async with self._asking:
            if time.monotonic() >= self._good_until:
                self._take(await self._ask())
            return self._token

    def forget(self) -> None:
        """Whoever the token was for did not want it: ask for another one next time."""
        self._good_until = 0.0

    async def _ask(self) -> dict[str, Any]:
        # Imported here: it takes a quarter of a second, and most desks log in with a password.
        import httpx  # noqa: PLC0415

        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
                response = await client.post(self._settings.token_url, data=self._form())
        except (httpx.HTTPError, ValueError) as error:  # ValueError: a file that cannot be read
            raise Unreachable(f"no access token: {error or type(error).__name__}") from error
        answer = _answer(response)
        if response.status_code != 200 or not isinstance(answer.get("access_token"), str):
            raise Unreachable(f"no access token: {response.status_code} {_reason(answer)}".strip())
        return answer

    def _form(self) -> dict[str, str]:
        """The request. The secret goes into the body, as the large providers want it (RFC 6749 §2.3.1)."""
        settings = self._settings
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh_token or _secret(settings.refresh_token_file),
            "client_id": settings.client_id,
        }
        if settings.client_secret_file is not None:
            form["client_secret"] = _secret(settings.client_secret_file)
        if settings.scope:
            form["scope"] = settings.scope
        return form

    def _take(self, answer: dict[str, Any]) -> None:
        life = str(answer.get("expires_in"))  # some servers write the number as a string
        seconds = float(life) if life.isdecimal() else _USUAL_LIFE
        self._token = answer["access_token"]
        self._good_until = time.monotonic() + max(seconds - _EARLY, seconds / 2)
        renewed = answer.get("refresh_token")
        if isinstance(renewed, str) and renewed not in ("", self._refresh_token):
            self._refresh_token = "" if _keep(self._settings.refresh_token_file, renewed) else renewed


def _secret(path: Path) -> str:
    return read_bytes(path).decode().strip()


def _answer(response: "httpx.Response") -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _reason(answer: dict[str, Any]) -> str:
    """The error code of RFC 6749 §5.2. Its description is left out: nobody knows what a server writes there."""
    code = answer.get("error")
    return code if isinstance(code, str) and code.isascii() and code.isprintable() else ""


def _keep(path: Path, refresh_token: str) -> bool:
    """Some servers give a new refresh token with each access token, and take the old one no longer (RFC 6749 §6)."""
    try:
        if _secret(path) == refresh_token:
            return True
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{refresh_token}\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except (OSError, ValueError) as error:
        log.warning("the new refresh token is lost at the next start, %s cannot be written: %s", path, error)
        return False
    return True
