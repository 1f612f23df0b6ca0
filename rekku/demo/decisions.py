"""Who gets which decision when: T3's new clients on working days, T2's rejections, revocations, new grants."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from contracts.values import Language
from rekku.demo.providers import PROVIDER_OF, PROVIDERS
from rekku.demo.reference import (
    DECISIONS_2021_FI,
    DECISIONS_2021_SV,
    GRANTED_2021,
    NEW_CLIENTS,
    REJECTED_2021,
    Year,
)
from rekku.demo.workdays import is_working_day, working_day_after, working_days

REVOKE_EVERY = 25
REGRANT_EVERY = 2
LONGEST_WAIT = 45
"""Working days from a grant to the client's notice, at most."""


@dataclass(frozen=True)
class PlannedDecision:
    """One decision of the plan.

    `pin_on` and `revoked_on` are None where it does not come to that before the plan ends;
    `follows` names the revoked decision whose client is granted anew elsewhere (E-8).
    """

    key: str
    client: str
    contract: str
    applied_on: date
    decided_on: date
    granted: bool
    pin_on: date | None = None
    revoked_on: date | None = None
    follows: str | None = None

    @property
    def new_client(self) -> bool:
        """True for a client's first grant."""
        return self.granted and self.follows is None

    def held_on(self, day: date) -> bool:
        """True where the decision is granted and not revoked at the end of `day`."""
        return self.granted and self.decided_on <= day and (self.revoked_on is None or self.revoked_on > day)


class _Sharing:
    """Gives every next client to the contract that is furthest below its share."""

    def __init__(self) -> None:
        finnish = sum(p.share for p in PROVIDERS if p.language is Language.FI)
        all_decisions = DECISIONS_2021_FI + DECISIONS_2021_SV
        self._share = {
            p.key: DECISIONS_2021_SV / all_decisions
            if p.language is Language.SV
            else p.share / finnish * DECISIONS_2021_FI / all_decisions
            for p in PROVIDERS
        }
        self._given = dict.fromkeys(self._share, 0)

    def next(self, *, but: str | None = None) -> str:
        """The contract of the next client; `but` leaves one out, and the Swedish one with it."""
        total = sum(self._given.values()) + 1
        fitting = [
            key for key in self._share if but is None or (key != but and PROVIDER_OF[key].language is Language.FI)
        ]
        chosen = max(fitting, key=lambda key: self._share[key] * total - self._given[key])
        self._given[chosen] += 1
        return chosen


def grant_days(year: Year, month: int, rng: random.Random) -> list[date]:
    """The day of each new client of a month, spread evenly over its working days."""
    first = date(year.year, month, 1)
    following = date(year.year + month // 12, month % 12 + 1, 1)
    days = list(working_days(first, following - timedelta(days=1)))
    each, over = divmod(year.new_clients[month - 1], len(days))
    more = set(rng.sample(range(len(days)), over))
    return [day for n, day in enumerate(days) for _ in range(each + (n in more))]


def plan_decisions(seed: int, years: tuple[Year, ...] = NEW_CLIENTS) -> list[PlannedDecision]:
    """Every decision of the years, in the order they are given."""
    rng = random.Random(seed)  # noqa: S311 - a plan that can be repeated, not a secret
    last = last_working_day(years)
    sharing = _Sharing()
    first_grants = list(_first_decisions(rng, sharing, years, last))
    revoked = [decision for decision in first_grants if decision.revoked_on is not None]
    anew = list(_granted_anew(revoked[REGRANT_EVERY - 1 :: REGRANT_EVERY], rng, sharing, last))
    return sorted(first_grants + anew, key=lambda decision: (decision.decided_on, decision.key))


def last_working_day(years: tuple[Year, ...] = NEW_CLIENTS) -> date:
    """The last working day that the source's months cover."""
    newest = years[-1]
    day = date(newest.year + newest.months // 12, newest.months % 12 + 1, 1) - timedelta(days=1)
    while not is_working_day(day):
        day -= timedelta(days=1)
    return day


def _first_decisions(
    rng: random.Random, sharing: _Sharing, years: tuple[Year, ...], last: date
) -> Iterator[PlannedDecision]:
    granted = rejected = 0
    for year in years:
        for month in range(1, year.months + 1):
            for day in grant_days(year, month, rng):
                granted += 1
                yield _grant(granted, day, sharing.next(), rng, last)
                if granted * REJECTED_2021 // GRANTED_2021 > rejected:
                    rejected += 1
                    yield PlannedDecision(
                        key=f"rejection-{rejected:04}",
                        client=f"turned-down-{rejected:04}",
                        contract=sharing.next(),
                        applied_on=day - timedelta(days=rng.randint(14, 35)),
                        decided_on=day,
                        granted=False,
                    )


def _grant(number: int, day: date, contract: str, rng: random.Random, last: date) -> PlannedDecision:
    decision = PlannedDecision(
        key=f"grant-{number:04}",
        client=f"client-{number:04}",
        contract=contract,
        applied_on=day - timedelta(days=rng.randint(14, 35)),
        decided_on=day,
        granted=True,
        pin_on=_pin_day(day, rng, last),
    )
    waited = rng.randint(1, LONGEST_WAIT)
    if number % REVOKE_EVERY:
        return decision
    revoked_on = max(day, min(working_day_after(day, waited), last))
    pinned = decision.pin_on is not None and decision.pin_on < revoked_on
    return replace(decision, revoked_on=revoked_on, pin_on=decision.pin_on if pinned else None)


def _granted_anew(
    revoked: list[PlannedDecision], rng: random.Random, sharing: _Sharing, last: date
) -> Iterator[PlannedDecision]:
    for decision in revoked:
        day = working_day_after(decision.revoked_on or last, rng.randint(2, 6))
        pin_on = _pin_day(day, rng, last)
        if day <= last:
            yield PlannedDecision(
                key=f"anew-{decision.key}",
                client=decision.client,
                contract=sharing.next(but=decision.contract),
                applied_on=decision.revoked_on or last,
                decided_on=day,
                granted=True,
                pin_on=pin_on,
                follows=decision.key,
            )


def _pin_day(granted_on: date, rng: random.Random, last: date) -> date | None:
    """Providers contact their client by the next working day; the pin follows within three (P9)."""
    day = working_day_after(granted_on, rng.randint(1, 3))
    return day if day <= last else None
