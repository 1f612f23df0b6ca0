"""What the gateway decides by itself: form tokens, paths, answers of a form. Pure functions."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

_PROBES = frozenset({"livez", "readyz", "progress", "openapi.json"})
_LONGEST_ADDRESS = 2000
_OWN_ADDRESS = re.compile(r"/(?:[\w.~-]+(?:/[\w.~-]+)*/?)?(?:\?[\w.~%&=+-]*)?", re.ASCII)


def csrf_token(cookie: str) -> str:
    """The form token that belongs to a cookie; who cannot read the HTTP-only cookie cannot make it."""
    return hashlib.sha256(b"rekku form token\0" + cookie.encode()).hexdigest()


def session_hash(cookie: str) -> str:
    """What the database keeps of a session's cookie: enough to find it, not enough to use it."""
    return hashlib.sha256(b"rekku session\0" + cookie.encode()).hexdigest()


def is_plain_path(path: str) -> bool:
    """True where a proxied path names something below the service, without climbing or doubled slashes."""
    return bool(path) and all(part not in ("", ".", "..") for part in path.split("/")) and "\\" not in path


def is_probe(path: str) -> bool:
    """True for the operator's addresses of a service, which are not for everyone."""
    return path.lower() in _PROBES


def read_answers(form: Mapping[str, str], statements: Sequence[int]) -> dict[str, int]:
    """The usable answers of a survey form: statement number → 1..5; what is not such is left out."""
    answers: dict[str, int] = {}
    for number in statements:
        value = form.get(f"statement-{number}", "")
        if value in {"1", "2", "3", "4", "5"}:
            answers[str(number)] = int(value)
    return answers


def token_expires_at(token: str) -> datetime:
    """When a token (JWT) of the issuer ends. It has just come from there, so that nothing of it is checked here.

    Raises:
        ValueError: it is no such token, or does not say.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("not a signed token")
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    if not isinstance(claims, dict) or not isinstance(claims.get("exp"), int | float):
        raise ValueError("the token does not say when it ends")
    return datetime.fromtimestamp(claims["exp"], UTC)


def own_address(text: str) -> str | None:
    r"""An address of a page of ours to lead somebody back to, or None: a path and a query in plain characters.

    What names a host, in whatever way a browser would read it, is none (`//host`, `/\host`, `https:…`).
    """
    return text if len(text) <= _LONGEST_ADDRESS and _OWN_ADDRESS.fullmatch(text) else None
