"""How often one address may call: public pages, survey links, sign-in, and the APIs without a token."""

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from contracts.refusals import Refusal

LIMITS: dict[str, RateLimitItem] = {
    "page": RateLimitItemPerMinute(120),
    "survey": RateLimitItemPerMinute(30),
    "sign-in": RateLimitItemPerMinute(20),
    "api": RateLimitItemPerMinute(300),
}


class TooManyRequests(Refusal):
    """One address called more often than people do (429 + Retry-After)."""

    status = 429

    def __init__(self) -> None:
        super().__init__("TOO_MANY_REQUESTS")


class Rates:
    """Counts calls in this process's memory; addresses are kept for a minute and never written anywhere."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, kind: str, address: str) -> None:
        """Count one call.

        Raises:
            TooManyRequests: the address has used up its minute.
        """
        if not self._limiter.hit(LIMITS[kind], kind, address):
            raise TooManyRequests
