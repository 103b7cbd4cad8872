"""Access tokens for mail servers that take no passwords: made of a refresh token over HTTPS (RFC 6749 §6).

The refresh token comes from a person who says yes in a browser, on whatever machine (RFC 8628).

Knows no mail protocol. Tokens and secrets never get into a log or an error.
"""

import asyncio
import logging
import os
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maild.config_mailbox import OAuth
from maild.config_values import read_bytes
from maild.core.errors import ConfigError, GrantRefused, Unreachable

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

_TIMEOUT = 20.0  # seconds
_EARLY = 300.0  # seconds before its end at which a token is replaced
_USUAL_LIFE = 3600.0  # seconds, where the server does not say
_INTERVAL, _SLOWER = 5.0, 5.0  # seconds between two questions, and what is added when the server asks for it
_CODE_LIFE = 900.0  # seconds, where the server does not say
_DEVICE_URLS = {
    "/oauth2/v2.0/token": "/oauth2/v2.0/devicecode",  # Microsoft
    "//oauth2.googleapis.com/token": "//oauth2.googleapis.com/device/code",
}
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(slots=True)
class _Refresh:
    """What all logins with the refresh token of one file share: one asks at a time, since the answer may replace it.

    `token` is a newer one than the file's, which could not be written.
    """

    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str = ""


_refresh_of = cache(lambda _path: _Refresh())


class AccessTokens:
    """The access token of one login; asked for when there is none, or when the one there is will soon be over."""

    def __init__(self, settings: OAuth) -> None:
        self._settings = settings
        self._token = ""
        self._good_until = 0.0  # by the clock that never jumps
        self._refresh = _refresh_of(settings.refresh_token_file)

    async def current(self) -> str:
        """A token that is good for some minutes at least.

        Raises Unreachable if there is none to be had now, GrantRefused if there will be none before somebody logs in.
        """
        async with self._refresh.asking:
            if time.monotonic() >= self._good_until:
                self._take(await self._ask())
            return self._token

    def forget(self) -> None:
        """Whoever the token was for did not want it: ask for another one next time."""
        self._good_until = 0.0

    async def _ask(self) -> dict[str, Any]:
        try:
            status, answer = await _post(self._settings.token_url, self._form())
        except ValueError as error:  # a file that cannot be read
            raise Unreachable(f"no access token: {error}") from error
        if status != 200 or not isinstance(answer.get("access_token"), str):
            kind = GrantRefused if _reason(answer) == "invalid_grant" else Unreachable  # RFC 6749 §5.2
            raise kind(f"no access token: {status} {_reason(answer)}".strip())
        return answer

    def _form(self) -> dict[str, str]:
        settings = self._settings
        token = self._refresh.token or _secret(settings.refresh_token_file)
        form = {"grant_type": "refresh_token", "refresh_token": token, **_client(settings)}
        return {**form, "scope": settings.scope} if settings.scope else form

    def _take(self, answer: dict[str, Any]) -> None:
        seconds = _seconds(answer.get("expires_in"), _USUAL_LIFE)
        self._token = answer["access_token"]
        self._good_until = time.monotonic() + max(seconds - _EARLY, seconds / 2)
        renewed = answer.get("refresh_token")
        if isinstance(renewed, str) and renewed not in ("", self._refresh.token):
            self._refresh.token = "" if _keep(self._settings.refresh_token_file, renewed) else renewed


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the person who logs in has to do: open `url` and type `code`. `interval` and `life` are in seconds."""

    url: str
    code: str
    device_code: str
    interval: float
    life: float


class DeviceLogin:
    """A login that a person confirms in a browser (RFC 8628); it ends with a refresh token in its file."""

    def __init__(self, settings: OAuth) -> None:
        self._settings = settings

    async def begin(self) -> Invitation:
        """Ask for a code. Raises Unreachable, or ConfigError where nobody knows whom to ask."""
        settings = self._settings
        form = {"client_id": settings.client_id, "scope": settings.scope}
        status, answer = await _post(_device_url(settings), form)
        url = answer.get("verification_uri") or answer.get("verification_url")  # the latter is Google's
        told = (url, answer.get("user_code"), answer.get("device_code"))
        if status != 200 or not all(isinstance(each, str) for each in told):
            raise Unreachable(f"no code for a login: {status} {_reason(answer)}".strip())
        interval, life = _seconds(answer.get("interval"), _INTERVAL), _seconds(answer.get("expires_in"), _CODE_LIFE)
        return Invitation(str(told[0]), str(told[1]), str(told[2]), interval, life)

    async def finish(self, invitation: Invitation) -> None:
        """Wait for the person's yes. Raises Unreachable without one, or if the token cannot be kept."""
        settings, interval = self._settings, invitation.interval
        form = {"grant_type": _DEVICE_GRANT, "device_code": invitation.device_code, **_client(settings)}
        end = time.monotonic() + invitation.life
        while time.monotonic() < end:
            await asyncio.sleep(interval)
            status, answer = await _post(settings.token_url, form)
            if status == 200:
                _keep_first(settings.refresh_token_file, answer)
                return
            reason = _reason(answer)
            if reason not in ("authorization_pending", "slow_down"):
                raise Unreachable(f"no login: {status} {reason}".strip())
            interval += _SLOWER if reason == "slow_down" else 0
        raise Unreachable("no login: nobody has said yes in time")


def _device_url(settings: OAuth) -> str:
    """Where codes are asked for: as configured, or as the large providers have it beside their token_url."""
    if settings.device_url:
        return settings.device_url
    for token_end, device_end in _DEVICE_URLS.items():
        if settings.token_url.endswith(token_end):
            return settings.token_url.removesuffix(token_end) + device_end
    raise ConfigError(["oauth.device_url: is required for a login, where the provider has it (RFC 8628)"])


def _keep_first(path: Path, answer: dict[str, Any]) -> None:
    token = answer.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise Unreachable("no login: the server gives no refresh token; does oauth.scope ask for offline access?")
    if not _keep(path, token):
        raise Unreachable(f"no login: {path} cannot be written")


async def _post(url: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Status and answer. Raises Unreachable."""
    # Imported here: it takes a quarter of a second, and most desks log in with a password.
    import httpx  # noqa: PLC0415

    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
            response = await client.post(url, data=form)
    except httpx.HTTPError as error:
        raise Unreachable(f"no access token: {error or type(error).__name__}") from error
    return response.status_code, _answer(response)


def _client(settings: OAuth) -> dict[str, str]:
    """Who we are. The secret goes into the body, as the large providers want it (RFC 6749 §2.3.1)."""
    if settings.client_secret_file is None:
        return {"client_id": settings.client_id}
    return {"client_id": settings.client_id, "client_secret": _secret(settings.client_secret_file)}


def _seconds(value: object, usual: float) -> float:
    text = str(value)  # some servers write the number as a string
    return float(text) if text.isdecimal() else usual


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
        if path.exists() and _secret(path) == refresh_token:
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
