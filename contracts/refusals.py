"""A refusal is a value: a stable code with the offending and the allowed figures."""

from dataclasses import dataclass


class Refusal(Exception):
    """A command that the rules do not allow; answered as 409 problem+json.

    Args:
        code: stable, upper-case, translated in the service's `texts/`.
        values: the figures that did not fit; never text that a caller sent.
    """

    status = 409
    retry_after_s = 1
    """When to try again, in seconds; answered with status 503."""

    def __init__(self, code: str, /, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class NotFound(Refusal):
    """The thing does not exist, or not for this caller (404)."""

    status = 404


class Invalid(Refusal):
    """The input can never be right, whatever the state (422)."""

    status = 422


class Forbidden(Refusal):
    """The caller may not do this (403)."""

    status = 403


class Stale(Refusal):
    """The caller's If-Match version is not the current one (412)."""

    status = 412

    def __init__(self, current: int) -> None:
        super().__init__("STALE_VERSION", current=current)


@dataclass(frozen=True)
class IfMatch:
    """The versions a caller will have changed, as its If-Match lists them; None is any there is (`*`)."""

    versions: frozenset[int] | None


def expect_version(current: int, if_match: IfMatch | None) -> None:
    """Let a command go on where its caller did not say what it has seen, or has seen what is there.

    `current` is 0 where there is nothing yet.

    Raises:
        Stale: the caller's versions are others.
    """
    if if_match is None:
        return
    fits = current > 0 if if_match.versions is None else current in if_match.versions
    if not fits:
        raise Stale(current)


class NotYetKnown(Refusal):
    """Our copy has not caught up with what the caller knows; try again (503 + Retry-After)."""

    status = 503
