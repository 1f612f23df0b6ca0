"""What the gateway decides by itself: languages, forms, and what a session remembers. Pure functions."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

LANGUAGES = ("fi", "sv", "en")
KNOWN_LIMIT = 20

_MARK = re.compile(r"[a-z-]{1,40}:[!-~]{1,100}@[0-9]{1,18}")
_PROBES = frozenset({"livez", "readyz", "progress", "openapi.json"})


def choose_language(chosen: str | None, remembered: str | None, accept_language: str) -> str:
    """The language of a page: what was just chosen, what was chosen before, what the browser asks for, Finnish."""
    for language in (chosen, remembered):
        if language in LANGUAGES:
            return language
    weighed: list[tuple[float, int, str]] = []
    for index, part in enumerate(accept_language.split(",")[:20]):
        tag, _, weight = part.partition(";q=")
        language = tag.strip().lower().split("-")[0]
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            quality = 0.0
        if language in LANGUAGES and quality > 0:
            weighed.append((-quality, index, language))
    return min(weighed)[2] if weighed else "fi"


def marks_of(header: str) -> list[str]:
    """The well-formed marks of a `Rekku-Known` header, `subject:id@version`, comma-separated."""
    return [mark for part in header.split(",") if _MARK.fullmatch(mark := part.strip())]


def merge_known(held: Sequence[str], seen: Iterable[str]) -> list[str]:
    """What a session knows after an answer: the newest version of each subject, the latest twenty subjects."""
    versions: dict[str, int] = {}
    for mark in [*held, *seen]:
        subject, _, version = mark.rpartition("@")
        newest = max(int(version), versions.pop(subject, 0))
        versions[subject] = newest
    return [f"{subject}@{version}" for subject, version in list(versions.items())[-KNOWN_LIMIT:]]


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
