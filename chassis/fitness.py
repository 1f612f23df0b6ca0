"""What an address or a secret has to be for production, as plain rules on texts; `chassis.settings` says of which."""

import itertools
import re
from urllib.parse import parse_qs, unquote, urlsplit

SHORTEST_SECRET = 32
SHORTEST_PASSWORD = 16
_FEWEST_DIFFERENT = 8
"""Characters, and steps from one to the next: of 32 random hex digits fewer come about once in ten million."""

_PLACEHOLDERS = re.compile(
    "change|me|pass(?:word|wd)?|secret|example|placeholder|default|insecure|replace|todo|test|demo"
    "|qwerty|letmein|admin|postgres|rekku|kela|prod(?:uction)?|your|my|this|here|the|[^0-9a-z]"
)


def is_https(url: str) -> bool:
    """Whether it is an https address of some host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def weakness(secret: str, shortest: int) -> str | None:
    """Why a secret could be guessed, as the rest of a sentence; None where nothing speaks for it.

    It is short, repeats a part of itself, has few different characters or runs along them, or is mostly words
    that stand in examples. Nothing of the secret is in the answer.
    """
    if len(secret) < shortest:
        return f"has fewer than {shortest} characters"
    if any(secret.startswith(secret[period:]) for period in range(1, 2 * len(secret) // 3)):
        return "repeats a part of itself"
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(secret)}
    if min(len(set(secret)), len(steps)) < _FEWEST_DIFFERENT:
        return "is made of a few characters"
    if len(_PLACEHOLDERS.sub("", secret.casefold())) < shortest // 2:
        return "is a placeholder"
    return None


def password_in(url: str) -> str:
    """The password in an address of PostgreSQL; empty where it names none."""
    user, at, _ = urlsplit(url).netloc.partition("@")
    return (unquote(user.partition(":")[2]) if at else "") or _last(url, "password")


def is_private(url: str) -> bool:
    """Whether nobody on the way can read or answer: a socket of this machine, or TLS with the server's name verified.

    As the driver reads an address: the host before the path counts first, of a repeated parameter the last;
    without a host the driver would also try TCP. `require` and `verify-ca` do not see to whom it speaks.
    """
    before, at, after = urlsplit(url).netloc.partition("@")
    hosts = after if at else before
    named = [unquote(host) for host in hosts.split(",")] if hosts else _last(url, "host").split(",")
    return all(host.startswith("/") for host in named) or _last(url, "sslmode") == "verify-full"


def _last(url: str, parameter: str) -> str:
    return parse_qs(urlsplit(url).query).get(parameter, [""])[-1]
