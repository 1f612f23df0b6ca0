"""Survey links: short enough for one SMS, hard to guess, and recognisably Kela's (E-31)."""

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

from chassis.settings import Environment, Settings

_TOKEN_BYTES = 17
_DOMAIN = "kela.fi"
_PATH = "/s/"
_SHORTEST_SECRET = {Environment.DEVELOPMENT: 16, Environment.PRODUCTION: 32}


class SurveyLinks:
    """Derives a survey's token from this service's secret, so that it need not be stored anywhere.

    Raises:
        ValueError: there is no secret, or a short one, or in production the address is not one of kela.fi.
    """

    def __init__(self, settings: Settings) -> None:
        secret = settings.secret.get_secret_value()
        shortest = _SHORTEST_SECRET[settings.environment]
        if len(secret) < shortest:
            raise ValueError(f"survey links need a secret of at least {shortest} characters (REKKU_SECRET)")
        if settings.environment is Environment.PRODUCTION and not is_kela_address(settings.public_url):
            raise ValueError(f"survey links lead to {_DOMAIN} only (REKKU_PUBLIC_URL)")
        self._secret = secret.encode()
        self._base = settings.public_url

    def token(self, survey_id: str) -> str:
        """136 bits as 28 small letters and digits; no hyphens, so that it never looks like anything else."""
        digest = hmac.digest(self._secret, f"survey/{survey_id}".encode(), hashlib.sha256)
        return base64.b32encode(digest[:_TOKEN_BYTES]).decode().rstrip("=").lower()

    def link(self, survey_id: str) -> str:
        """The address the client opens."""
        return survey_address(self._base, self.token(survey_id))


def survey_address(base: str, token: str) -> str:
    """The public address of a survey; also how an example of a message is made."""
    return f"{base.rstrip('/')}{_PATH}{token}"


EXAMPLE_TOKEN = "x" * 28
"""As long as a real one, and leading nowhere."""


def is_kela_address(address: str) -> bool:
    """True for https addresses of kela.fi and its subdomains."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == _DOMAIN or host.endswith(f".{_DOMAIN}"))


def token_hash(token: str) -> bytes:
    """What is kept of a token; people may type it in capitals."""
    return hashlib.sha256(token.lower().encode()).digest()
