"""How often a caller may ask within a minute, and what a request counts as.

A caller is the address it comes from, unless more is known: who holds a valid token is counted as that,
and a survey by its link, because the subscribers of a mobile network share one address.
"""

import hashlib
import re
import time
from collections.abc import Callable

from chassis.limits import Rates
from chassis.windows import Windows

UNLIMITED = frozenset({"/livez", "/readyz"})
"""What tells an orchestrator whether to keep this process: no flood may answer in its place."""

_SURVEY = re.compile(r"/(?:s|survey|api/notifications/surveys)/([^/]+)(?:/answers)?")
_KINDS = {"api": "api", "static": "static", "sign-in": "sign_in", "sign-out": "sign_in", "healthz": "health"}


class Meter:
    """Counts in this process's memory, a bounded number of callers of each kind, for a minute; nothing is written.

    Args:
        rates: how many of each kind.
        clock: seconds, only ever forwards.
    """

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits: dict[str, int] = rates.model_dump()
        self._windows = {kind: Windows(clock=clock) for kind in self._limits}

    def count(self, kind: str, key: str) -> float:
        """Count one of `kind`, a field of `Rates`: the seconds to wait where `key` has used up its minute, else 0."""
        return self._windows[kind].count(key, self._limits[kind])

    def take_back(self, kind: str, key: str) -> None:
        """Undo one count."""
        self._windows[kind].take_back(key)


def kind_of(path: str) -> str:
    """What a request counts as by the address it comes from: by the first part of its path."""
    return _KINDS.get(path.split("/")[1] if path.startswith("/") else "", "page")


def survey_of(path: str) -> str | None:
    """The hash of the link's token where a path is that of a survey; it may be typed in capitals."""
    match = _SURVEY.fullmatch(path)
    return None if match is None else hashlib.sha256(match[1].lower().encode()).hexdigest()
