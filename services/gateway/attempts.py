"""Attempts to sign in: each has a cookie and a form token of its own, so that two tabs do not spoil each other's.

An attempt is kept by the browser alone. Its form token names it and can only be made by who can read
its cookie, which is for HTTP only.
"""

import hmac
import re
import secrets
import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from contracts.refusals import Forbidden
from services.gateway.domain import csrf_token

LIFETIME_S = 3600
MOST = 10
"""Attempts that a browser keeps; one more, and the oldest goes."""

_CLOCKS_APART_S = 60
_COOKIE = "rekku-visit-"
_PATH = "/sign-in"
_NAME = re.compile(rf"{_COOKIE}[0-9a-f]{{12}}")
_VALUE = re.compile(r"(\d{1,12})\.[\w-]{43}")


@dataclass(frozen=True)
class Attempt:
    """One opened sign-in form; `secret` begins with the second in which it was opened."""

    cookie: str
    secret: str

    @property
    def form_token(self) -> str:
        """What the attempt's form carries."""
        return f"{self.cookie.removeprefix(_COOKIE)}.{csrf_token(self.secret)}"

    @property
    def began_at(self) -> int:
        """Seconds since 1970; 0 where that cannot be read."""
        match = _VALUE.fullmatch(self.secret)
        return int(match[1]) if match else 0

    @property
    def alive(self) -> bool:
        """True while the form may still be sent."""
        return -_CLOCKS_APART_S < time.time() - self.began_at < LIFETIME_S


def begin() -> Attempt:
    """A new attempt."""
    return Attempt(_COOKIE + secrets.token_hex(6), f"{int(time.time())}.{secrets.token_urlsafe(32)}")


def find(request: Request, form_token: str) -> Attempt:
    """The attempt whose form was sent.

    Raises:
        Forbidden: CSRF_REFUSED where this browser has no such attempt, or no longer.
    """
    cookie = _COOKIE + form_token.partition(".")[0]
    attempt = Attempt(cookie, request.cookies.get(cookie, ""))
    if not attempt.alive or not hmac.compare_digest(attempt.form_token.encode(), form_token.encode()):
        raise Forbidden("CSRF_REFUSED")
    return attempt


def keep(attempt: Attempt, request: Request, answer: Response, *, secure: bool) -> None:
    """Let the browser keep a new attempt, and of its others the newest that are alive."""
    answer.set_cookie(
        attempt.cookie, attempt.secret, LIFETIME_S, path=_PATH, httponly=True, samesite="strict", secure=secure
    )
    others = [Attempt(name, value) for name, value in request.cookies.items() if _NAME.fullmatch(name)]
    alive = sorted((other for other in others if other.alive), key=lambda other: other.began_at, reverse=True)
    for other in others:
        if other not in alive[: MOST - 1]:
            end(other, answer)


def end(attempt: Attempt, answer: Response) -> None:
    """Let the browser forget an attempt."""
    answer.delete_cookie(attempt.cookie, path=_PATH)
