"""A refusal is a value: a stable code with the offending and the allowed figures."""


class Refusal(Exception):
    """A command that the rules do not allow; answered as 409 problem+json.

    Args:
        code: stable, upper-case, translated in the service's `texts/`.
        values: the figures that did not fit; never text that a caller sent.
    """

    status = 409

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


class NotYetKnown(Refusal):
    """Our copy has not caught up with what the caller knows; try again (503 + Retry-After)."""

    status = 503
