"""What the gateway decides by itself: form tokens, paths, answers of a form. Pure functions."""

import hashlib
from collections.abc import Mapping, Sequence

_PROBES = frozenset({"livez", "readyz", "progress", "openapi.json"})


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
